"""The command `ocrleak`: what any process holds, how it changes, and what two outputs differ in.

Data flows one way: a process is read into frozen values (`reading`, `holdings`), these become
tables of strings (`overview`, `change`, `reports`), and a renderer prints them (`plain`, `colour`).
"""
