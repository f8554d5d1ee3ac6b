/** Bytes of a GiB. */
export const GIB = 2 ** 30;
