"""Measures ocrleak-engine beside other OCR engines: accuracy, time, memory."""
