/** The two members of a danfojs DataFrame that are read here. */
export interface DataFrameLike {
  columns: string[];
  /** Row after row. */
  values: unknown;
}

export const isFrame = (data: object): data is DataFrameLike =>
  "columns" in data && "values" in data && Array.isArray(data.columns) && Array.isArray(data.values);

export const rowsOfFrame = ({ columns, values }: DataFrameLike): Record<string, unknown>[] =>
  (values as unknown[][]).map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
