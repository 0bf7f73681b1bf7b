/** Kubernetes' quantities: `500m`, `1.5`, `4Gi`, `1e3`. */

const FACTORS: Record<string, number> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|(n|u|m|k|[MGTPE]|[KMGTPE]i))?$/;

/** Undefined where it is none. */
export function parseQuantity(value: unknown): number | undefined {
  const match = QUANTITY.exec(String(value));
  if (!match) {
    return undefined;
  }
  const [, digits = '', exponent = '', suffix = ''] = match;
  return Number(digits + exponent) * (FACTORS[suffix] ?? 1);
}
