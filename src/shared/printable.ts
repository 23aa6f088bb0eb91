/**
 * Control characters (they steer a terminal or break a line), bidirectional overrides (they show text in another order),
 * lone surrogates and noncharacters (XML forbids them).
 */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu;

/** A name as it can be shown anywhere: each character that is unsafe to show becomes U+FFFD, the replacement character. */
export const printable = (text: unknown): string => String(text).replace(unprintable, "\ufffd");
