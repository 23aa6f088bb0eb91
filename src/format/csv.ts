/** A line of CSV or TSV, quoted as pandas does: only a field with the separator, a quote or a line end in it. */
export const csvLine = (
  fields: readonly (string | number)[],
  separator: "," | "\t" | ";" | "|" = ",",
): string =>
  // An empty line would be no row: pandas and Python's csv leave it out.
  fields.length === 1 && fields[0] === ""
    ? '""\n'
    : `${fields
        .map((field) => {
          const text = String(field);
          return /["\r\n]/.test(text) || text.includes(separator) ? `"${text.replaceAll('"', '""')}"` : text;
        })
        .join(separator)}\n`;

/**
 * Text that spreadsheets do not take for a formula: an apostrophe goes before `=`, `+`, `-`, `@`, a tab or a carriage return.
 *
 * Source: OWASP, "CSV Injection".
 */
export const harmless = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
