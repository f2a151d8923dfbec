// Makes the pages quicker; each of them is complete without it.
"use strict";

// A sign-in link has its token after the `#`, which no server and no log sees. The form that takes it is on the page.
function signIn() {
  const form = document.querySelector("form[data-sign-in]");
  const token = location.hash.slice(1);
  if (!form || !token) return;
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.link.value = token;
  form.requestSubmit();
}

// The exact time shows on hover with the zone of the server's clock; people also want their own.
function tellOwnTimes() {
  const own = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.title += "\n" + own.format(at);
  }
}

signIn();
tellOwnTimes();
