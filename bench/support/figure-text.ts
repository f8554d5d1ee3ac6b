/** A figure for people: whole above a thousand, three digits that say something below. */
export function figureText(figure: number): string {
  const digits = Math.abs(figure) >= 1_000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return figure.toLocaleString('en-US', digits);
}
