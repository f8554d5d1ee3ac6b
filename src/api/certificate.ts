import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';

/** A key and the certificate for it, PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Names and addresses by which a machine is its own. */
const LOCAL = ['localhost', '127.0.0.1', '::1'] as const;
const LIFE_YEARS = 1;
const SERIAL_BYTES = 16;
/** Clients whose clocks are a little behind take it as well. */
const EARLIER_MS = 3_600_000;
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
/** Kinds of names in a certificate (RFC 5280, 4.2.1.6). */
const NameKind = { dns: 2, ip: 7 } as const;

/**
 * A certificate for a gateway at an address, signed by its own key, made anew at each start and kept nowhere. It is its
 * own authority, so that a client that is given it trusts it, and nobody else does. The key is of P-256: one of RSA
 * takes a third of a second to find.
 * @param host what the gateway listens on: a name or an address
 */
export function selfSigned(host: string): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const names = [...new Set([...LOCAL, host])];
  const { asn1 } = forge;
  const spki = asn1.fromDer(forge.util.createBuffer(publicKey.export({ type: 'spki', format: 'der' })));
  const algorithm = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(ECDSA_WITH_SHA256).getBytes()),
  ]);
  const body = bodyOf(names, algorithm, spki);
  const signature = sign('sha256', Buffer.from(asn1.toDer(body).getBytes(), 'latin1'), privateKey);
  const whole = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    body,
    algorithm,
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${signature.toString('latin1')}`),
  ]);
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: forge.pem.encode({ type: 'CERTIFICATE', body: asn1.toDer(whole).getBytes() }),
  };
}

/** What the library has and its types leave out. */
interface Unlisted {
  getTBSCertificate(certificate: forge.pki.Certificate): forge.asn1.Asn1;
}

/** Places in a certificate's body, version first (RFC 5280, 4.1). */
const Part = { algorithm: 2, key: 6 } as const;

/**
 * A serial number of these bytes, in hexadecimal digits. Its first bits are 01: a number that begins with one bit is
 * negative, and of one that begins with nine zeros the first byte is too many for its encoding (X.690, 8.3.2), which one
 * certificate in some hundreds would be refused for.
 */
export function serialOf(random: Uint8Array): string {
  const bytes = Buffer.from(random);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}

/** What is signed. The library writes all of it but what it has of RSA alone: the key, and how it signs. */
function bodyOf(names: readonly string[], algorithm: forge.asn1.Asn1, key: forge.asn1.Asn1): forge.asn1.Asn1 {
  const one = new forge.jsbn.BigInteger('1');
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(one, one);
  certificate.serialNumber = serialOf(randomBytes(SERIAL_BYTES));
  const { notBefore, notAfter } = certificate.validity;
  notBefore.setTime(Date.now() - EARLIER_MS);
  notAfter.setTime(notBefore.getTime());
  notAfter.setFullYear(notBefore.getFullYear() + LIFE_YEARS);
  const subject = [{ name: 'commonName', value: 'InferLab' }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: names.map((name) =>
        isIP(name) === 0 ? { type: NameKind.dns, value: name } : { type: NameKind.ip, ip: name },
      ),
    },
  ]);
  // Named before it is signed, which is not left to the library.
  Object.assign(certificate, { signatureOid: ECDSA_WITH_SHA256, siginfo: { algorithmOid: ECDSA_WITH_SHA256 } });
  const body = (forge.pki as unknown as Unlisted).getTBSCertificate(certificate);
  const parts = body.value as forge.asn1.Asn1[];
  parts[Part.algorithm] = algorithm;
  parts[Part.key] = key;
  return body;
}
