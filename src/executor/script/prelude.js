// What a script's input and result look like; read before the script, so that it cannot be changed by it.
(() => {
  "use strict";
  const { parse, stringify } = JSON;
  const { create, defineProperties, getPrototypeOf, hasOwn, keys, prototype, setPrototypeOf, values } = Object;
  const isArray = Array.isArray;
  const { isView } = ArrayBuffer;
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
    put(key, value) { const before = this.get(key); this[key] = value; return before; },
    toString() { return javaText(this); },
  }));
  // Java's text of a map and a list, where a script makes a text of what it was given.
  const javaText = (value) => {
    if (value === null || typeof value !== "object") return String(value);
    if (isArray(value)) return `[${value.map(javaText).join(", ")}]`;
    return `{${keys(value).map((key) => `${key}=${javaText(value[key])}`).join(", ")}}`;
  };
  const asList = hidden({
    toString() { return javaText(this); },
    add(value) { this.push(value); return true; },
  });
  defineProperties(Array.prototype, hidden({
    get(index) { return this[index]; },
    size() { return this.length; },
    isEmpty() { return this.length === 0; },
    contains(value) { return this.includes(value); },
  }));
  const asMap = (value) => {
    if (value === null || typeof value !== "object") return value;
    if (isArray(value)) {
      defineProperties(value, asList);
      for (let at = 0; at < value.length; at++) asMap(value[at]);
    } else {
      setPrototypeOf(value, map);
      for (const key of keys(value)) asMap(value[key]);
    }
    return value;
  };

  // What JSON does not have is what Conductor makes of it: Java's text of a number, null for undefined, an empty object for
  // what is no data. A date is its text.
  // Half a character is none; Java writes it so.
  const half = /[\uD800-\uDFFF]/gu;
  const whole = (text) => text.replace(half, "?");
  const isList = (value) =>
    isArray(value) || (isView(value) && !(value instanceof DataView)) || prototype.toString.call(value) === "[object Arguments]";
  const plain = (value, depth) => {
    switch (typeof value) {
      case "number": return isFinite(value) ? value : String(value);
      case "bigint": return BigInt(Number(value)) === value ? Number(value) : String(value);
      case "string": return whole(value);
      case "undefined": return null;
      case "function": case "symbol": return create(null);
      case "object": break;
      default: return value;
    }
    if (value === null) return null;
    if (depth > 120) throw new RangeError("the result nests too deep");
    if (value instanceof Date) return isNaN(value) ? null : value.toISOString();
    if (value instanceof String || value instanceof Number || value instanceof Boolean) return plain(value.valueOf(), depth);
    if (isList(value)) {
      const items = [];
      for (let at = 0; at < value.length; at++) items[at] = plain(value[at], depth + 1);
      return items;
    }
    const entries = value instanceof Map ? [...value] : keys(value).map((key) => [key, value[key]]);
    const fields = create(null);
    for (const [key, item] of entries) fields[whole(String(key))] = plain(item, depth + 1);
    return fields;
  };
  // An error that the script made itself has no place in Conductor's text, and an object that is none no text.
  const kinds = [Error, TypeError, ReferenceError, RangeError, SyntaxError, EvalError, URIError];
  const made = new WeakSet();
  const make = (kind, given, target) => {
    const error = Reflect.construct(kind, given, target);
    made.add(error);
    return error;
  };
  for (const kind of kinds) {
    const noted = new Proxy(kind, {
      construct: make,
      apply: (_, self, given) => make(kind, given, kind),
    });
    globalThis[kind.name] = kind.prototype.constructor = noted;
  }
  const isBuiltIn = (() => {
    const prototypes = kinds.map((kind) => kind.prototype);
    return (thrown) => prototypes.includes(getPrototypeOf(thrown));
  })();
  const text = (thrown) => {
    const own = !isBuiltIn(thrown) && kinds.some((kind) => kind.name === thrown.name) && thrown.constructor;
    return own ? `${own.name}: ${thrown.message}` : String(thrown);
  };
  const told = (thrown) => {
    if (thrown instanceof Error) return [text(thrown), made.has(thrown) ? "" : String(thrown.stack)];
    const isObject = thrown !== null && typeof thrown === "object";
    return [isObject ? (isArray(thrown) ? "Array" : "Error") : String(thrown), "?"];
  };

  return {
    input: (text) => asMap(parse(text)),
    result: (value) => stringify(plain(value, 0)),
    error: told,
  };
})()
