import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AccessControl } from '../../src/gateway/access.ts';
import { accessProblem, contains, parseAddress, parseBlock } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';

describe('addresses', () => {
  test('mean the same in every spelling', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
        const bits = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
        fc.pre(bits >> 32n !== 0xffffn);
        const full = groups.map((group) => group.toString(16).padStart(4, '0')).join(':');
        expect(parseAddress(full)).toEqual({ width: 128, bits });
        expect(parseAddress(full.toUpperCase())).toEqual({ width: 128, bits });
        const zeros = groups.indexOf(0);
        if (zeros < 0) return;
        const hex = groups.map((group) => group.toString(16));
        expect(parseAddress(`${hex.slice(0, zeros).join(':')}::${hex.slice(zeros + 1).join(':')}`)?.bits).toBe(bits);
      }),
    );
    fc.assert(fc.property(fc.ipV6(), (text) => parseAddress(text) !== undefined));
  });

  test('of IPv4 are the same when mapped into IPv6', () => {
    fc.assert(
      fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), (bytes) => {
        const text = bytes.join('.');
        const bits = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
        expect(parseAddress(text)).toEqual({ width: 32, bits });
        expect(parseAddress(`::ffff:${text}`)).toEqual({ width: 32, bits });
      }),
    );
  });

  test.each([
    ['no address', ''],
    ['a name', 'localhost'],
    ['three bytes', '10.0.0'],
    ['a byte too large', '10.0.0.256'],
    ['a leading zero', '10.0.0.01'],
    ['seven groups', '1:2:3:4:5:6:7'],
    ['nine groups', '1:2:3:4:5:6:7:8:9'],
    ['nothing left to shorten', '1:2:3:4::5:6:7:8'],
    ['two gaps', '1::2::3'],
    ['a group too long', '12345::'],
    ['a single colon in front', ':1:2:3:4:5:6:7'],
    ['an IPv4 address in the middle', '::1.2.3.4:5'],
    ['a zone', 'fe80::1%eth0'],
    ['a pattern', '10\\..*'],
  ])('%s is refused', (_, text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('CIDR blocks', () => {
  test('contain the addresses that share their first bits, and no others', () => {
    const bits = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
    const text = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
    fc.assert(
      fc.property(bits, fc.nat(32), fc.nat(31), (base, length, flipped) => {
        const block = parseBlock(`${text(base)}/${length}`)!;
        expect(contains(block, parseAddress(text(base))!)).toBe(true);
        const other = base ^ (1n << BigInt(31 - flipped));
        expect(contains(block, parseAddress(text(other))!)).toBe(flipped >= length);
      }),
    );
  });

  test.each<[string, string, boolean]>([
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::/0', 'fe80::1', true],
    ['::/0', '10.0.0.1', false],
    ['0.0.0.0/0', '10.0.0.1', true],
    ['0.0.0.0/0', 'fe80::1', false],
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.8', false],
    ['::1', '::1', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '11.1.2.3', false],
  ])('%s and %s: %s', (block, address, inside) => {
    expect(contains(parseBlock(block)!, parseAddress(address)!)).toBe(inside);
  });

  test.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '::/129', '::ffff:10.0.0.0/8', '/8'])(
    '%s is none',
    (text) => {
      expect(parseBlock(text)).toBeUndefined();
    },
  );
});

describe('access lists', () => {
  const office = '10.1.0.0/16';
  const guest = '10.1.9.0/24';

  const callers = ['10.1.2.3', '10.1.9.9', '192.0.2.1', undefined];
  test.each<[string, ConstructorParameters<typeof AccessControl>[0], readonly boolean[]]>([
    ['without lists everybody is let in', {}, [true, true, true, true]],
    ['who is on both is kept out', { whitelist: [office], blacklist: [guest] }, [true, false, false, false]],
  ])('%s', (_, spec, expected) => {
    const control = new AccessControl(spec);
    expect(callers.map((ip) => control.admits(ip))).toEqual(expected);
  });

  guideRule(248, 'a whitelist lets in the addresses of its blocks alone', () => {
    const control = new AccessControl({ whitelist: [office] });
    expect(callers.map((ip) => control.admits(ip))).toEqual([true, true, false, false]);
  });

  guideRule(248, 'a blacklist keeps out the addresses of its blocks alone', () => {
    const control = new AccessControl({ blacklist: [guest] });
    expect(callers.map((ip) => control.admits(ip))).toEqual([true, false, true, true]);
  });

  guideRule(248, 'a list has at most ten entries, all of them CIDR blocks', () => {
    const entries = (count: number): string[] => Array.from({ length: count }, (_, index) => `10.${index}.0.0/16`);
    expect(accessProblem({ whitelist: entries(10), blacklist: entries(10) })).toBeUndefined();
    expect(accessProblem({ blacklist: entries(11) })).toBe('a blacklist has at most 10 entries, not 11');
    expect(accessProblem({ whitelist: ['10.0.0.*'] })).toBe(
      '"10.0.0.*" in the whitelist is no CIDR block, as in "10.0.0.0/8" or "2001:db8::/32"',
    );
  });
});
