package browser

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// Tab is a tab of the browser. It records its requests, and the errors and warnings in its console.
type Tab struct {
	Ctx     context.Context // for actions of chromedp
	mu      sync.Mutex
	asked   []string
	answers map[cdp.LoaderID]*network.Response // of documents
	faults  []string
}

// newTab opens an empty tab.
func newTab(t testing.TB, browser *chromium.Browser) *Tab {
	t.Helper()
	ctx, end := chromedp.NewContext(browser.Ctx)
	t.Cleanup(end)
	tab := &Tab{Ctx: ctx, answers: map[cdp.LoaderID]*network.Response{}}
	if err := chromedp.Listen(ctx, tab.note); err != nil {
		t.Fatal(err)
	}
	return tab
}

// note runs on the goroutine that reads the browser's messages, in their order.
func (tab *Tab) note(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		tab.asked = append(tab.asked, e.Request.Method+" "+e.Request.URL)
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			tab.answers[e.LoaderID] = e.Response
		}
	case *runtime.EventExceptionThrown:
		tab.faults = append(tab.faults, "exception: "+e.ExceptionDetails.Text+" "+e.ExceptionDetails.URL)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			tab.faults = append(tab.faults, "console: "+string(e.Type))
		}
	case *log.EventEntryAdded:
		if strings.HasSuffix(e.Entry.URL, "/favicon.ico") { // which the browser asks for by itself
			return
		}
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			tab.faults = append(tab.faults, string(e.Entry.Source)+": "+e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

func (tab *Tab) answer(loader cdp.LoaderID) *network.Response {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return tab.answers[loader]
}

// Asked returns the requests so far: "GET http://127.0.0.1:8080/". A redirected request is listed once for each address.
func (tab *Tab) Asked() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Clone(tab.asked)
}

// Foreign returns the requests to other hosts than this machine.
func (tab *Tab) Foreign() (list []string) {
	for _, request := range tab.Asked() {
		_, address, _ := strings.Cut(request, " ")
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "data" && u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost" {
			list = append(list, request)
		}
	}
	return list
}

// Faults returns the errors and warnings in the console, "SOURCE: TEXT ADDRESS", except those that contain one of the given texts.
func (tab *Tab) Faults(expected ...string) []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(tab.faults), func(fault string) bool {
		return slices.ContainsFunc(expected, func(text string) bool { return strings.Contains(fault, text) })
	})
}

// View is the document that a tab shows.
type View struct {
	URL    *url.URL
	Status int // 0: the browser had it already
	Header map[string]string
	Text   string // as a person reads it
}

// Open opens an address as if a person had typed it, and waits for the document after all redirects.
func (tab *Tab) Open(t testing.TB, address string) View {
	t.Helper()
	response, err := chromedp.Run(tab.Ctx, chromedp.NavigateResponse(address))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return tab.view(t, response)
}

// Click clicks the element of a CSS selector, and waits for the next document.
func (tab *Tab) Click(t testing.TB, selector string) View {
	t.Helper()
	return tab.next(t, "click on "+selector, tab.press(selector))
}

// Press clicks the element of a CSS selector, and does not wait.
func (tab *Tab) Press(t testing.TB, selector string) {
	t.Helper()
	if err := chromedp.Do(tab.Ctx, tab.press(selector)); err != nil {
		t.Fatalf("press %s: %v", selector, err)
	}
}

// press clicks the middle of an element, again if something has moved it meanwhile: the page is alive, and a click beside the
// element would be lost, or be another button's. [chromedp.Click] does not find it on a page that came from the browser's memory.
func (tab *Tab) press(selector string) chromedp.Action[chromedp.Void] {
	const tries = 5
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		for range tries {
			middle, err := chromedp.Evaluate[[2]float64](fmt.Sprintf(middleOf, selector))(ctx, target)
			if err != nil {
				return none, err
			}
			if _, err := chromedp.MouseClickXY(middle[0], middle[1])(ctx, target); err != nil {
				return none, err
			}
			missed, unseen := chromedp.Evaluate[bool](`window.clickMissed === true`)(ctx, target)
			if hit := unseen != nil || !missed; hit { // unseen: the click has led to another document, which is on its way
				return none, nil
			}
		}
		return none, fmt.Errorf("%d clicks at its place did not reach it", tries)
	}
}

// middleOf is the place of an element. The next click anywhere else has no effect, and window.clickMissed is true after it.
const middleOf = `(() => {
	const element = document.querySelector(%q);
	element.scrollIntoView({ block: "center", behavior: "instant" });
	window.clickMissed = false;
	window.addEventListener("click", (event) => {
		if (element.contains(event.target)) return;
		window.clickMissed = true;
		event.stopImmediatePropagation();
		event.preventDefault();
	}, { capture: true, once: true });
	const box = element.getBoundingClientRect();
	return [box.x + box.width / 2, box.y + box.height / 2];
})()`

// Reload reloads the document.
func (tab *Tab) Reload(t testing.TB) View {
	t.Helper()
	return tab.next(t, "reload", chromedp.Reload())
}

// Back goes back in the history. If the browser takes the page from its cache, Status is 0.
func (tab *Tab) Back(t testing.TB) View { t.Helper(); return tab.history(t, -1) }

// Forward goes forward in the history, as [Tab.Back] goes back.
func (tab *Tab) Forward(t testing.TB) View { t.Helper(); return tab.history(t, +1) }

func (tab *Tab) history(t testing.TB, step int64) View {
	t.Helper()
	limited, release := context.WithTimeout(tab.Ctx, 30*time.Second)
	defer release()
	seen, err := chromedp.Run(limited, chromedp.NavigationEntries())
	if err != nil {
		t.Fatal(err)
	}
	at := seen.CurrentIndex + step
	if at < 0 || at >= int64(len(seen.Entries)) {
		t.Fatalf("there is no page %+d in the history", step)
	}
	// The actions of chromedp wait for a load, which a page from memory does not fire.
	begun, err := chromedp.Run(limited, chromedp.WaitEvent(page.FrameNavigated, func(e page.EventFrameNavigated) bool { return e.Frame.ParentID == "" },
		func(ctx context.Context, target *chromedp.Target) (cdp.Empty, error) {
			return cdp.Call(ctx, target, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: seen.Entries[at].ID})
		}))
	if err != nil {
		t.Fatalf("page %+d of the history: %v", step, err)
	}
	tab.Until(t, `document.readyState === "complete"`)
	if begun.Type == page.NavigationTypeBackForwardCacheRestore {
		return tab.view(t, nil)
	}
	return tab.view(t, tab.answer(begun.Frame.LoaderID))
}

// next takes steps that lead to another document. The answer is the last one for the tab's own document, none where the
// browser takes it from its memory.
func (tab *Tab) next(t testing.TB, what string, steps ...chromedp.Action[chromedp.Void]) View {
	t.Helper()
	limited, release := context.WithTimeout(tab.Ctx, 30*time.Second)
	defer release()
	response, err := chromedp.RunResponse(limited, steps...)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return tab.view(t, response)
}

// Until waits until a JavaScript expression is true, also if the tab shows another document by then.
func (tab *Tab) Until(t testing.TB, expression string) {
	t.Helper()
	var last error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var holds bool
		if holds, last = chromedp.Run(tab.Ctx, chromedp.Evaluate[bool](expression)); last == nil && holds {
			return
		}
	}
	t.Fatalf("never true: %s: %v", expression, last)
}

func (tab *Tab) view(t testing.TB, response *network.Response) View {
	t.Helper()
	v := View{Header: map[string]string{}}
	if response != nil {
		v.Status = int(response.Status)
		for name, value := range response.Headers {
			v.Header[strings.ToLower(name)], _ = value.(string)
		}
	}
	address, err := chromedp.Run(tab.Ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	if v.URL, err = url.Parse(address); err != nil {
		t.Fatal(err)
	}
	if v.Text, err = chromedp.Run(tab.Ctx, chromedp.Evaluate[string]("document.body.innerText")); err != nil {
		t.Fatal(err)
	}
	return v
}
