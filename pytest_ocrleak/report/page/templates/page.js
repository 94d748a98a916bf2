"use strict";
(() => {
  const table = document.getElementById("all");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row, place) => ({
    row, place, text: row.textContent.toLowerCase(), verdict: row.className,
  }));
  const form = document.querySelector(".filter");
  const wanted = document.getElementById("filter");
  const verdict = document.getElementById("verdict");
  const shown = document.getElementById("shown");
  const ranks = ["leak", "known", "inconclusive", "clean"];

  const filter = () => {
    const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const each of rows) {
      const fits = (!verdict.value || each.verdict === verdict.value)
        && words.every((word) => each.text.includes(word));
      each.row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} checks`;
  };

  const keys = {
    verdict: (cell) => ranks.indexOf(cell.parentNode.className),
    number: (cell) => Number(cell.textContent.replaceAll(",", "")),
    text: (cell) => cell.textContent.trim(),
  };
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
  const sort = (head) => {
    const way = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const each of head.parentNode.cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", way);
    const key = keys[head.dataset.sort];
    const sorted = rows.map((each) => ({ each, key: key(each.row.cells[head.cellIndex]) }));
    const sign = way === "ascending" ? 1 : -1;
    sorted.sort((a, b) => sign * compare(a.key, b.key) || a.each.place - b.each.place);
    body.append(...sorted.map(({ each }) => each.row));
  };

  for (const head of table.querySelectorAll("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head));
    head.append(button);
  }
  wanted.addEventListener("input", filter);
  verdict.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();

  const unfold = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) target.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details")) each.open = true;
  });
})();
