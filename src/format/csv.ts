/** A line of CSV, quoted as pandas does: only a field with a comma, a quote or a line end in it. */
export const csvLine = (fields: readonly (string | number)[]): string =>
  `${fields
    .map((field) => (/[",\r\n]/.test(String(field)) ? `"${String(field).replaceAll('"', '""')}"` : field))
    .join(",")}\n`;
