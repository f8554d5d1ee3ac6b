type Uniform = () => number;

const pad = (value: number, digits = 2): string => String(value).padStart(digits, '0');
const from = (uniform: Uniform, low: number, high: number): number => low + Math.floor(uniform() * (high - low + 1));

/** Hexadecimal digits. */
export function hexDigits(uniform: Uniform, count: number): string {
  return Array.from({ length: count }, () => from(uniform, 0, 15).toString(16)).join('');
}

const date = (uniform: Uniform): string =>
  `${from(uniform, 2000, 2029)}-${pad(from(uniform, 1, 12))}-${pad(from(uniform, 1, 28))}`;
const time = (uniform: Uniform): string =>
  `${pad(from(uniform, 0, 23))}:${pad(from(uniform, 0, 59))}:${pad(from(uniform, 0, 59))}`;
const uuid = (uniform: Uniform): string =>
  `${hexDigits(uniform, 8)}-${hexDigits(uniform, 4)}-4${hexDigits(uniform, 3)}-a${hexDigits(uniform, 3)}-${hexDigits(uniform, 12)}`;

/** Strings of the formats that JSON Schema names (validation, section 7.3), by name. */
export const FORMATS: ReadonlyMap<string, (uniform: Uniform) => string> = new Map([
  ['date-time', (uniform: Uniform) => `${date(uniform)}T${time(uniform)}Z`],
  ['date', date],
  ['time', (uniform: Uniform) => `${time(uniform)}Z`],
  ['duration', (uniform: Uniform) => `PT${from(uniform, 1, 90)}M`],
  ['email', (uniform: Uniform) => `user${from(uniform, 1, 999)}@example.com`],
  ['hostname', (uniform: Uniform) => `host${from(uniform, 1, 999)}.example.com`],
  ['ipv4', (uniform: Uniform) => `192.0.2.${from(uniform, 1, 254)}`],
  ['ipv6', (uniform: Uniform) => `2001:db8::${hexDigits(uniform, 4)}`],
  ['uri', (uniform: Uniform) => `https://example.com/${from(uniform, 1, 999)}`],
  ['uuid', uuid],
]);
