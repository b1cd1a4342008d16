// Looks a name up in an object without finding what every object has: somebody may be called `constructor`.

/** The object's own value of that name, or undefined. */
export function own(object, name) {
  return object && Object.hasOwn(object, name) ? object[name] : undefined;
}
