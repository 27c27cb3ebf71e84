/**
 * The refusals of an API server as Status objects, in the wording that kubectl prints. Models apimachinery pkg/api/errors, v1.33.
 * A refusal is a value, never an exception.
 */
import type { FieldError, KubeObject, Resource, Status, StatusReason } from '../objects/index.ts'
import { RESOURCES } from '../objects/index.ts'

type Details = NonNullable<Status['details']>

/** A Failure with code, reason and message. */
export function failure(code: number, reason: StatusReason, message: string, details?: Details): Status {
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    code,
    reason,
    message,
    ...(details === undefined ? {} : { details }),
  }
}

/** A Success without an object, as for a binding or the deletion of something that is gone. */
export function success(code: number, details?: Details): Status {
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Success',
    code,
    ...(details === undefined ? {} : { details }),
  }
}

/** True for a Status among the bodies of answers. */
export function isStatus(body: { readonly kind: string }): body is Status {
  return body.kind === 'Status'
}

/** `deployments.apps`, `pods`: a resource with its group, as messages have it. */
export function qualified(resource: Resource): string {
  const { group } = RESOURCES[resource]
  return group === '' ? resource : `${resource}.${group}`
}

function about(resource: Resource, name: string, rest: Partial<Details> = {}): Details {
  const { group } = RESOURCES[resource]
  return { name, ...(group === '' ? {} : { group }), kind: resource, ...rest }
}

export function notFound(resource: Resource, name: string): Status {
  return failure(404, 'NotFound', `${qualified(resource)} "${name}" not found`, about(resource, name))
}

export function alreadyExists(resource: Resource, name: string): Status {
  return failure(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, about(resource, name))
}

export function conflict(resource: Resource, name: string, why: string): Status {
  return failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    about(resource, name),
  )
}

/** The answer to a write that was based on an older version. */
export function modified(resource: Resource, name: string): Status {
  return conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  )
}

export function forbidden(resource: Resource, name: string, why: string, causes?: Details['causes']): Status {
  return failure(
    403,
    'Forbidden',
    `${qualified(resource)} "${name}" is forbidden: ${why}`,
    about(resource, name, causes === undefined ? {} : { causes }),
  )
}

/** 422 with one cause a field. */
export function invalid(resource: Resource, name: string, errors: readonly FieldError[]): Status {
  const { group, kind } = RESOURCES[resource]
  const lines = errors.map(({ field, message }) => `${field}: ${message}`)
  const list = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`
  return failure(422, 'Invalid', `${group === '' ? kind : `${kind}.${group}`} "${name}" is invalid: ${list}`, {
    name,
    ...(group === '' ? {} : { group }),
    kind,
    causes: errors.map(({ field, message, reason }) => ({ reason, message, field })),
  })
}

export function badRequest(message: string): Status {
  return failure(400, 'BadRequest', message)
}

export function methodNotAllowed(resource: Resource, verb: string): Status {
  const { group } = RESOURCES[resource]
  return failure(405, 'MethodNotAllowed', `${verb} is not supported on resources of kind "${qualified(resource)}"`, {
    ...(group === '' ? {} : { group }),
    kind: resource,
  })
}

export function tooManyRequests(message: string, retryAfterSeconds: number, causes?: Details['causes']): Status {
  return failure(429, 'TooManyRequests', message, { retryAfterSeconds, ...(causes === undefined ? {} : { causes }) })
}

/** 410: the version asked for is older than what is kept. */
export function expired(message: string): Status {
  return failure(410, 'Expired', message)
}

/** 504: the cache did not reach the version asked for in time. */
export function tooLargeVersion(asked: number, current: number): Status {
  return failure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    retryAfterSeconds: 1,
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
  })
}

/** 504: whether a write took effect is unknown. */
export function timedOut(): Status {
  return failure(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout', {
    retryAfterSeconds: 1,
  })
}

export function internalError(message: string): Status {
  return failure(500, 'InternalError', `Internal error occurred: ${message}`)
}

/** A copy of the object's name for messages: its name, or the prefix it was to get one from. */
export function nameForMessages(object: KubeObject): string {
  return object.metadata.name || (object.metadata.generateName ?? '')
}
