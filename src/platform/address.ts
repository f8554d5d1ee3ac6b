/** An IP address as a number; an IPv4 address mapped into IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
export interface Address {
  /** 32 or 128. */
  readonly width: number;
  readonly bits: bigint;
}

/** The addresses that share the first `length` bits of `bits`. */
export interface Block extends Address {
  readonly length: number;
}

const MAPPED_PREFIX = 0xffffn;
const IPV4_BITS = 32;
const IPV6_BITS = 128;
const IPV6_GROUPS = 8;

/** @returns undefined when the text is no IPv4 or IPv6 address */
export function parseAddress(text: string): Address | undefined {
  const bits = text.includes(':') ? ipv6Bits(text) : ipv4Bits(text);
  if (bits === undefined) return undefined;
  if (!text.includes(':')) return { width: IPV4_BITS, bits };
  return bits >> BigInt(IPV4_BITS) === MAPPED_PREFIX
    ? { width: IPV4_BITS, bits: BigInt.asUintN(IPV4_BITS, bits) }
    : { width: IPV6_BITS, bits };
}

/** `10.0.0.0/8`, `2001:db8::/32`, or an address alone. @returns undefined when the text is none of them */
export function parseBlock(text: string): Block | undefined {
  const [base, length, ...more] = text.split('/');
  const address = parseAddress(base!);
  if (address === undefined || more.length > 0) return undefined;
  if (length === undefined) return { ...address, length: address.width };
  if (!/^\d{1,3}$/.test(length)) return undefined;
  // The length of a mapped block counts the bits before the IPv4 address as well.
  const own = base!.includes(':') ? Number(length) - (IPV6_BITS - address.width) : Number(length);
  return own >= 0 && own <= address.width ? { ...address, length: own } : undefined;
}

/** One spelling for every address: of an IPv6 address eight groups without leading zeros. */
export function addressText({ width, bits }: Address): string {
  const [part, radix, dot] = width === IPV4_BITS ? [8, 10, '.'] : [16, 16, ':'];
  const parts: string[] = [];
  for (let shift = width - part; shift >= 0; shift -= part) {
    parts.push(BigInt.asUintN(part, bits >> BigInt(shift)).toString(radix));
  }
  return parts.join(dot);
}

export function contains(block: Block, address: Address): boolean {
  const shift = BigInt(block.width - block.length);
  return block.width === address.width && block.bits >> shift === address.bits >> shift;
}

function ipv4Bits(text: string): bigint | undefined {
  const parts = text.split('.');
  // A leading zero means octal to some: refused, so that it means nothing to anybody.
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

/** RFC 4291, 2.2: eight groups; one run of zero groups may be `::`; the last two may be an IPv4 address. */
function ipv6Bits(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = IPV6_GROUPS - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<bigint>(missing).fill(0n), ...(tail ?? [])];
  return groups.reduce((bits, group) => (bits << 16n) | group, 0n);
}

function groupsOf(text: string, last: boolean): bigint[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: bigint[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.includes('.') && last && index === parts.length - 1) {
      const bits = ipv4Bits(part);
      if (bits === undefined) return undefined;
      groups.push(bits >> 16n, bits & 0xffffn);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}
