// What a script's input and result look like; read before the script, so that it cannot be changed by it.
(() => {
  "use strict";
  const { parse, stringify } = JSON;
  const { create, defineProperties, getPrototypeOf, hasOwn, keys, prototype, setPrototypeOf, values } = Object;
  const isArray = Array.isArray;
  // No script needs a clock finer than a date's.
  delete globalThis.performance;
  const hidden = (methods) => {
    const described = {};
    for (const name of keys(methods)) described[name] = { value: methods[name], configurable: true, writable: true };
    return described;
  };

  // On Conductor the input is a Java map: these are the methods that scripts call on one.
  const map = create(prototype, hidden({
    get(key) { return hasOwn(this, key) ? this[key] : null; },
    getOrDefault(key, otherwise) { return hasOwn(this, key) ? this[key] : otherwise; },
    containsKey(key) { return hasOwn(this, key); },
    size() { return keys(this).length; },
    isEmpty() { return keys(this).length === 0; },
    keySet() { return keys(this); },
    values() { return values(this); },
  }));
  defineProperties(Array.prototype, hidden({
    get(index) { return this[index]; },
    size() { return this.length; },
    isEmpty() { return this.length === 0; },
    contains(value) { return this.includes(value); },
  }));
  const asMap = (value) => {
    if (value === null || typeof value !== "object") return value;
    if (isArray(value)) {
      for (let at = 0; at < value.length; at++) asMap(value[at]);
    } else {
      setPrototypeOf(value, map);
      for (const key of keys(value)) asMap(value[key]);
    }
    return value;
  };

  // What JSON does not have is what Conductor makes of it: Java's text of a number, null for undefined, an empty object for
  // what is no data. A date is its text.
  const plain = (value, depth) => {
    switch (typeof value) {
      case "number": return isFinite(value) ? value : String(value);
      case "bigint": return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
      case "undefined": return null;
      case "function": case "symbol": return create(null);
      case "object": break;
      default: return value;
    }
    if (value === null) return null;
    if (depth > 120) throw new RangeError("the result nests too deep");
    if (value instanceof Date) return value.toISOString();
    if (isArray(value)) {
      const items = [];
      for (let at = 0; at < value.length; at++) items[at] = plain(value[at], depth + 1);
      return items;
    }
    const entries = value instanceof Map ? [...value] : keys(value).map((key) => [key, value[key]]);
    const fields = create(null);
    for (const [key, item] of entries) fields[String(key)] = plain(item, depth + 1);
    return fields;
  };
  // An error that the script made itself has no place in Conductor's text, and an object that is none no text.
  const ours = [TypeError, ReferenceError, RangeError, SyntaxError, EvalError, URIError].map((kind) => kind.prototype);
  const told = (thrown) => {
    if (!(thrown instanceof Error)) return [thrown !== null && typeof thrown === "object" ? "Error" : String(thrown), "?"];
    const made = !ours.includes(getPrototypeOf(thrown)) && thrown.name !== "InternalError";
    return [String(thrown), made ? "" : String(thrown.stack)];
  };

  return {
    input: (text) => asMap(parse(text)),
    result: (value) => stringify(plain(value, 0)),
    error: told,
  };
})()
