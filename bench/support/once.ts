/** A measurement that several rows share: it is made when first asked for, and once. */
export function once<Result>(measure: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => (result ??= measure());
}
