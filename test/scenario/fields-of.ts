/** Names of fields, each once: of all that a JSON Schema allows, or of all that a value has. */
export function fieldsOf(whole: unknown, as: 'schema' | 'value', without: readonly string[] = []): string[] {
  const found = new Set<string>();
  const visit = (part: unknown, isFields: boolean): void => {
    if (typeof part !== 'object' || part === null) return;
    for (const [key, value] of Object.entries(part)) {
      if (isFields && without.includes(key)) continue;
      if (isFields) found.add(key);
      visit(value, !Array.isArray(value) && (as === 'value' || (!isFields && key === 'properties')));
    }
  };
  visit(whole, as === 'value' && !Array.isArray(whole));
  return [...found];
}
