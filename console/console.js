// Asks the browser for a passkey's signature and posts the form: it composes no content. A form
// says what to sign in data-sign ("get" or "create") and data-options (WebAuthn's options as JSON).
"use strict";
(() => {
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const told = (form, key) => {
    const place = form.querySelector("[role=alert]");
    if (place) place.textContent = place.dataset[key] || "";
  };

  const options = (form) => {
    const given = JSON.parse(form.dataset.options).publicKey;
    given.challenge = bytes(given.challenge);
    if (given.user) given.user.id = bytes(given.user.id);
    for (const list of ["allowCredentials", "excludeCredentials"])
      for (const one of given[list] || []) one.id = bytes(one.id);
    return given;
  };

  const written = (credential) => {
    const r = credential.response;
    const response = { clientDataJSON: text(r.clientDataJSON) };
    if (r.attestationObject) response.attestationObject = text(r.attestationObject);
    if (r.authenticatorData) response.authenticatorData = text(r.authenticatorData);
    if (r.signature) response.signature = text(r.signature);
    if (r.userHandle && r.userHandle.byteLength) response.userHandle = text(r.userHandle);
    if (r.attestationObject) delete response.authenticatorData;
    return JSON.stringify({
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
      clientExtensionResults: {},
    });
  };

  for (const form of document.querySelectorAll("form[data-sign]")) {
    const button = form.querySelector("button");
    form.addEventListener("submit", async (event) => {
      const place = form.elements.namedItem("signed");
      if (place.value) return;
      event.preventDefault();
      button.disabled = true;
      told(form, "waiting");
      try {
        const kind = form.dataset.sign;
        const credential = await navigator.credentials[kind]({ publicKey: options(form) });
        place.value = written(credential);
        form.submit();
        told(form, "sent");
      } catch (error) {
        button.disabled = false;
        told(form, "failed");
        button.focus();
      }
    });
  }

  // An answer leaves the screen, and the document, when its time is over; before, one announcement.
  const answer = document.querySelector("[data-blank-after]");
  if (answer) {
    const clear = () => {
      const said = document.createElement("p");
      said.className = "note";
      said.setAttribute("role", "status");
      said.textContent = answer.dataset.blanked;
      answer.replaceWith(said);
    };
    setTimeout(clear, Number(answer.dataset.blankAfter) * 1000);
    addEventListener("pagehide", clear);
  }
})();
