/** `wrongLabel` is `wrong_label` in files, on the command line and in what it prints. */
export const inSnakeCase = (text: string): string =>
  text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `wrong_label`, as files write it, is `wrongLabel`. */
export const inCamelCase = (text: string): string =>
  text.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
