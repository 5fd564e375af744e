// The browser sends the session's cookie with the request for the stream.
const now = document.getElementById("now");
const stream = new EventSource("/events");

stream.addEventListener("message", (event) => { now.textContent = event.data; });

// The server says that the session is over. Without close, the browser would ask again, and get a 401.
stream.addEventListener("end", (event) => {
  stream.close();
  now.textContent = event.data;
});

// A broken connection is CONNECTING: the browser asks again by itself. After a 401 it does not.
stream.addEventListener("error", () => {
  if (stream.readyState === EventSource.CLOSED) now.textContent = "Please log in again.";
});
