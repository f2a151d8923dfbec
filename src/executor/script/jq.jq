# What Conductor's jq does otherwise than the library, or has besides. Names that end with __ are ours.

# Updates below what is not there yet: null becomes what the index needs, and an array grows.
def up__($i; f):
  if . == null then if $i | isnumber then [] elif $i | isstring then {} else . end else . end
  | if isarray and ($i | isnumber) and $i >= length then
      if $i > 1000000 then error("the index is over the limit of 1000000") else . + [range(length; $i + 1) | null] end
    else . end
  | .[$i] |= f;
def setpath($path; $x): if $path == [] then $x else up__($path[0]; setpath($path[1:]; $x)) end;
def unset__($path):
  if $path == [] then null
  elif . == null then .
  else
    (if isarray and ($path[0] | isnumber) and $path[0] < 0 then $path[0] + length else $path[0] end) as $key
    | if has($key) | not then .
      elif $path[1:] == [] then .[$key] |= empty
      else .[$key] |= unset__($path[1:]) end
  end;
# From the last one on, so that none moves what is still to go.
def delpaths($paths): reduce ($paths | sort | reverse[]) as $path (.; unset__($path));
def del(f): [path(f)] as $paths | if any($paths[][]; isobject) then f |= empty else delpaths($paths) end;
def leaf_paths: paths(isarray or isobject | not);

def divide__(l; r):
  l as $l | r as $r
  | if $r == 0 and ($l | isnumber) and ($r | isnumber) then
      error("number and number cannot be divided because the divisor is zero")
    else $l / $r end;
def floor__: floor;
def floor: floor__ | decimal__;
def sqrt__: sqrt;
def sqrt: sqrt__ | decimal__;
def log2__: log2;
def log2: log2__ | decimal__;
def tostring: if isnumber then "\(text__)" else "\(.)" end;
def tonumber:
  if isnumber then .
  elif isstring then
    (try [fromjson] catch []) as $read
    | if ($read | length) == 1 and ($read[0] | isnumber) then $read[0] | if . == floor__ then index__(.) else . end
      else error("string cannot be parsed as a number") end
  else error("\(type) cannot be parsed as a number") end;

# Conductor's words for a value of the wrong kind.
def of__(f; name; kinds): if f then . else error("\(name) is not applicable to \(type | ascii_upcase); expected one of [\(kinds)]") end;
def keys__: keys;
def keys: of__(isobject or isarray; "keys"; "OBJECT, ARRAY") | keys__;
def to_entries__: to_entries;
def to_entries: of__(isobject or isarray; "to_entries"; "OBJECT, ARRAY") | to_entries__;
def sort__: sort;
def sort: of__(isarray; "sort"; "ARRAY") | sort__;
def reverse__: reverse;
def reverse: of__(isarray; "reverse"; "ARRAY") | reverse__;
def startswith__($text): startswith($text);
def startswith($text): of__(isstring; "startswith"; "STRING") | startswith__($text);
def endswith__($text): endswith($text);
def endswith($text): of__(isstring; "endswith"; "STRING") | endswith__($text);
def split__($text): split($text);
def split($text): of__(isstring; "split"; "STRING") | split__($text);

def join($separator):
  if . == null then ""
  else
    reduce .[] as $x (null;
      (if . == null then "" else . + $separator end)
      + ($x | if . == null then "" elif isnumber or isboolean then tostring else . end)) // ""
  end;
def flatten: [.[] | recurse(if isarray then .[] else empty end) | select(isarray | not)];
def flatten($depth): [.[] | if isarray and $depth > 0 then flatten($depth - 1)[] else . end];
def from_entries:
  reduce .[] as $entry ({};
    . + ($entry
      | [(.key, .k, .name, .Name, .Key, .K) | values][0] as $key
      | if $key == null then
          error("input elements to from_entries() must be object and have 'key', 'Key' or 'Name' field")
        else . end
      | [("value", "v", "Value", "V") as $name | select(has($name)) | .[$name]][0] as $value
      | {($key | if isstring then . else tostring end): $value}));

def with_entries(f): to_entries | map(f) | from_entries;

def plain__(kind): if isarray or isobject then error("\(type) is not valid in a \(kind) row") else tojson end;
def @csv: [.[] | if isstring then "\"" + (split("\"") | join("\"\"")) + "\"" else plain__("csv") end] | join(",");
def @tsv: [.[] | if isstring then split("\t") | join("\\t") else plain__("tsv") end] | join("\t");
