//! The page of the demo app that shows the feed of events as it grows. The browser loads it anew
//! every two seconds, without a script.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::{DemoApp, SignInError};
use crate::html;
use saml::xml::escape;

/// The newest events that the app has read, and the cursor behind the last.
#[derive(Debug, Default)]
pub(super) struct Feed(Mutex<Followed>);

#[derive(Clone, Debug, Default)]
struct Followed {
    cursor: Option<String>,
    newest: VecDeque<Value>,
}

impl Feed {
    fn get(&self) -> Followed {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another load of the page may have read the same events; the one that ends last counts.
    fn set(&self, followed: Followed) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = followed;
    }
}

/// Reads the feed to its end and shows the newest events.
pub(super) async fn page(State(app): State<DemoApp>) -> Response {
    match follow(&app).await {
        Ok(followed) => render(&followed),
        Err(error) => html::error(StatusCode::BAD_GATEWAY, &error.to_string()),
    }
}

async fn follow(app: &DemoApp) -> Result<Followed, SignInError> {
    let token = app.0.back_channel.directory_token(&app.0.credentials).await?;
    let mut followed = app.0.feed.get();
    loop {
        let page = app.0.back_channel.events(&token, followed.cursor.as_deref()).await?;
        followed.cursor = Some(page.next);
        if page.items.is_empty() {
            break;
        }
        followed.newest.extend(page.items);
        let old = followed.newest.len().saturating_sub(SHOWN);
        followed.newest.drain(..old);
    }
    app.0.feed.set(followed.clone());
    Ok(followed)
}

fn render(followed: &Followed) -> Response {
    let rows: String = followed.newest.iter().rev().map(row).collect();
    let events = if rows.is_empty() {
        "<p>No event yet. Create a user with the command on the <a href=\"/\">first page</a>, and see \
         it arrive here.</p>"
            .to_owned()
    } else {
        format!(
            "<table><thead><tr><th>Time</th><th>Event</th><th>Of</th><th>By</th></tr></thead>\
             <tbody>{rows}</tbody></table>"
        )
    };
    let body = format!(
        "<p class=\"mut\">The directory API reports every change to the app. This page loads anew every \
         two seconds.</p><section class=\"card\">{events}</section>\
         <p class=\"foot\"><a href=\"/demo\">Demo app</a></p>"
    );
    let mut response = html::wide("Changes of the directory", &body);
    response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("2"));
    response
}

fn row(event: &Value) -> String {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let time = text("/at").get(11..19).unwrap_or_default();
    let names = ["/data/user_name", "/data/display_name", "/data/group/display_name"];
    let name = names.into_iter().map(text).find(|name| !name.is_empty()).unwrap_or_default();
    let cells = [time, text("/type"), name, text("/source")]
        .map(|cell| format!("<td>{}</td>", escape(cell)));
    format!("<tr>{}</tr>", cells.concat())
}

/// Number of events on the page.
const SHOWN: usize = 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_a_row_and_its_names_are_text() {
        let event = json!({
            "at": "2026-12-01T10:11:12.5Z",
            "type": "user.created",
            "source": "scim",
            "data": {"user_name": "<b>ada"},
        });
        let expected =
            "<tr><td>10:11:12</td><td>user.created</td><td>&lt;b&gt;ada</td><td>scim</td></tr>";
        assert_eq!(row(&event), expected);
    }
}
