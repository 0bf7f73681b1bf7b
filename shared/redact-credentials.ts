/** Credentials in what tools print, by their form: none of our containers knows their values when a log is kept. */

const FORMS: [RegExp, string][] = [
  // https://user:token@host, https://token@host
  [/(:\/\/)[^\s/@'"]+@/g, '$1***@'],
  // .npmrc: //host/:_authToken=…
  [/(_authToken|_auth|_password)(\s*[=:]\s*)[^\s'"]+/g, '$1$2***'],
  [/(authorization\s*[:=]\s*['"]?(?:bearer|basic|token)\s+)[^\s'"]+/gi, '$1***'],
  // .netrc
  [/(\blogin\s+\S+\s+password\s+)\S+/g, '$1***'],
  [/\b(?:npm_\w{30,}|gh[pousr]_\w{30,}|github_pat_\w{20,}|glpat-[\w-]{20,}|pypi-[\w-]{50,})/g, '***'],
];

export function redactCredentials(text: string): string {
  return FORMS.reduce((redacted, [form, by]) => redacted.replace(form, by), text);
}
