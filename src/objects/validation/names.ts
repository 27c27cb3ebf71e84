/** The forms that names, labels and keys may have. Models apimachinery pkg/util/validation, v1.33. Each function gives the complaint or undefined. */

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const QUALIFIED_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const IPV4 = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/

/** A DNS label (RFC 1123), at most 63 characters: namespaces, containers. */
export function labelComplaint(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 characters'
  if (LABEL.test(name)) return undefined
  return `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`
}

/** A DNS subdomain (RFC 1123), at most 253 characters: most names. */
export function subdomainComplaint(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 characters'
  if (SUBDOMAIN.test(name)) return undefined
  return `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`
}

/** A DNS label that starts with a letter (RFC 1035), at most 63 characters: services. */
export function label1035Complaint(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 characters'
  if (LABEL_1035.test(name)) return undefined
  return `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`
}

/** A key of labels, annotations, finalizers: an optional subdomain and a slash, then at most 63 characters. */
export function qualifiedNameComplaint(key: string): string | undefined {
  const slash = key.indexOf('/')
  const prefix = slash < 0 ? undefined : key.slice(0, slash)
  const name = key.slice(slash + 1)
  if (prefix === '') return 'prefix part must be non-empty'
  if (prefix !== undefined && subdomainComplaint(prefix) !== undefined)
    return `prefix part ${subdomainComplaint(prefix)}`
  if (name === '') return 'name part must be non-empty'
  if (name.length > 63) return 'name part must be no more than 63 characters'
  if (QUALIFIED_PART.test(name)) return undefined
  return `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`
}

/** The value of a label: empty, or at most 63 characters. */
export function labelValueComplaint(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters'
  if (value === '' || QUALIFIED_PART.test(value)) return undefined
  return `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`
}

/** The name of a port: at most 15 characters, lower case, at least one letter, no two hyphens in a row. */
export function portNameComplaint(name: string): string | undefined {
  if (name.length > 15) return 'must be no more than 15 characters'
  if (!/^[-a-z0-9]+$/.test(name)) return 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'
  if (!/[a-z]/.test(name)) return 'must contain at least one letter (a-z)'
  if (name.includes('--')) return 'must not contain consecutive hyphens'
  if (name.startsWith('-') || name.endsWith('-')) return 'must not begin or end with a hyphen'
  return undefined
}

/** A key of a ConfigMap or a Secret. */
export function configKeyComplaint(key: string): string | undefined {
  if (key.length > 253) return 'must be no more than 253 characters'
  if (/^[-._a-zA-Z0-9]+$/.test(key) && key !== '.' && !key.startsWith('..')) return undefined
  return `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`
}

/** True for a dotted IPv4 address without leading zeros. */
export function isIpv4(text: string): boolean {
  return IPV4.test(text)
}
