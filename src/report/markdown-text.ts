/** Markdown building blocks. Text from outside goes through `escapeText` or `codeBlock`, and nowhere else. */

/**
 * Text that Markdown shows as it is, on one line and in table cells too: no HTML, emphasis, links, mentions or formulas come
 * of it. Underscores within words, as in most names, stay readable.
 */
export function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .replace(/:\/\/|[&<>|@\\`*[\]{}#~!$]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, escapeCharacters)
    .replace(/^[-+=]|(?<=^\d+)[.)](?=\s|$)/, escapeCharacters);
}

/** A backslash, or an entity where a backslash would not do: in HTML, in table cells, in addresses and mentions. */
function escapeCharacters(characters: string): string {
  if (characters === '://') return '&#58;//';
  return '&<>|@'.includes(characters) ? `&#${characters.codePointAt(0)};` : `\\${characters}`;
}

/** A fenced block; the fence is longer than any run of backticks inside. */
export function codeBlock(text: string, language = ''): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\r\n?/g, '\n')}\n${fence}`;
}

/** A column's heading and its alignment; figures stand to the right. */
export type Column = string | { right: string };

/** Heading of a column of figures. */
export function toRight(right: string): Column {
  return { right };
}

/** A table of cells that are Markdown already. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const headings = columns.map((column) => (typeof column === 'string' ? column : column.right));
  const rules = columns.map((column) => (typeof column === 'string' ? ':--' : '--:'));
  return [headings, rules, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A part that is folded until somebody wants it. Blank lines keep Markdown alive inside of the HTML. */
export function details(summary: string, ...body: readonly string[]): string {
  return ['<details>', `<summary>${summary}</summary>`, ...body, '</details>'].join('\n\n');
}
