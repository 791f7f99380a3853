/** What an answer or file says that has to be a JSON object; undefined when it is none. */
export function readJsonObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    // The parser's own message quotes the text, which may be secret.
    return undefined;
  }
}
