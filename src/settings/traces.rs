//! Where traces go, as OpenTelemetry's variables of the process environment say it.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

/// The path of a collector that takes spans.
const PATH: &str = "v1/traces";
/// What the process is called where nobody says.
const SERVICE: &str = "keytide";

/// Where traces go.
#[derive(Clone, PartialEq, Eq)]
pub struct Traces {
    /// Who takes them; the address may hold credentials.
    pub endpoint: Uri,
    /// What is sent along, as keys of the collector; kept out of debug output.
    pub headers: HeaderMap,
    /// What this process is called.
    pub service: String,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Traces {
    /// Reads OpenTelemetry's variables; nothing where they name no collector. What is wrong is said without the values of
    /// headers and the address, for they may be secret.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        if variable("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let of_traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        let (name, address) = match (variable(of_traces), variable("OTEL_EXPORTER_OTLP_ENDPOINT")) {
            (Some(address), _) => (of_traces, address),
            (None, Some(base)) => ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}/{PATH}", base.trim_end_matches('/'))),
            (None, None) => return Ok(None),
        };
        let endpoint = address.parse::<Uri>().ok();
        let endpoint =
            endpoint.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
        let endpoint = endpoint.ok_or_else(|| format!("{name} is no address, as http://127.0.0.1:4318"))?;
        let either = |name: &str| {
            variable(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"))
                .or_else(|| variable(&format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        if let Some(protocol) = either("PROTOCOL").filter(|protocol| protocol == "grpc") {
            return Err(format!(
                "OTEL_EXPORTER_OTLP_PROTOCOL: {protocol} is not spoken here; set http/json, and the collector's port for it (4318)"
            ));
        }
        let headers = headers(&either("HEADERS").unwrap_or_default())
            .ok_or("OTEL_EXPORTER_OTLP_HEADERS is no list, as name=value,other=value")?;
        let service = variable("OTEL_SERVICE_NAME").unwrap_or_else(|| SERVICE.to_owned());
        Ok(Some(Self { endpoint, headers, service }))
    }
}

/// Reads `name=value,name=value`, the values percent-encoded.
fn headers(text: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let mut value = HeaderValue::from_bytes(&decoded(value.trim())?).ok()?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value);
    }
    Some(headers)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::Traces;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Traces>, String> {
        let found = |name: &str| variables.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned());
        Traces::read(found)
    }

    #[test]
    fn opentelemetrys_variables_say_where_traces_go() {
        assert_eq!(read(&[]), Ok(None));
        let traces = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b, other=c=d"),
        ]);
        let traces = traces.unwrap().unwrap();
        assert_eq!(
            (traces.endpoint.to_string().as_str(), traces.service.as_str()),
            ("http://127.0.0.1:4318/v1/traces", "keytide")
        );
        assert_eq!(
            (&traces.headers["x-key"], &traces.headers["other"]),
            (&"a b".parse().unwrap(), &"c=d".parse().unwrap())
        );
        assert!(!format!("{traces:?}").contains("a b"), "{traces:?}");
        let whole = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c.example/in"),
            ("OTEL_SERVICE_NAME", "rotation"),
        ];
        let traces = read(&whole).unwrap().unwrap();
        assert_eq!(
            (traces.endpoint.to_string().as_str(), traces.service.as_str()),
            ("https://c.example/in", "rotation")
        );
        assert_eq!(read(&[&whole[..], &[("OTEL_SDK_DISABLED", "true")]].concat()), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_said_without_what_may_be_secret() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        for (variables, said) in [
            ([("OTEL_EXPORTER_OTLP_ENDPOINT", "canary"), ("", "")], "is no address"),
            ([endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "canary")], "is no list"),
            ([endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "x=canary%2")], "is no list"),
            ([endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "set http/json"),
        ] {
            let error = read(&variables).unwrap_err();
            assert!(error.contains(said) && !error.contains("canary"), "{error}");
        }
    }
}
