/**
 * How deep a schema or another open object may nest. vLLM bounds it as well (sampling_params.py, check_json_nesting);
 * the number is ours. Deeper ones could be parsed, but not written again.
 */
export const NESTING_MAX = 128;

/** Whether a JSON value nests deeper than that. Without recursion: the value may be made to break one. */
export function nestsTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > NESTING_MAX) return true;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return false;
}
