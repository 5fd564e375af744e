package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// controls are what the keyboard has to reach, in the page's order; the script keeps them for the questions that follow.
const controls = `(window.controls = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
	.filter((e) => e.getClientRects().length && e.closest("details:not([open]) > :not(summary)") === null)).length`

// focus is the place of what has the keyboard among the controls, -1 for none, and whether a person sees that it has it.
const focus = `(() => {
	const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
	const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
	const inside = box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight;
	return { at: window.controls.indexOf(element), seen: ring && inside, what: element.tagName + "#" + element.id + " " + element.textContent.trim().slice(0, 30) };
})()`

type focused struct {
	At   int    `json:"at"`
	Seen bool   `json:"seen"`
	What string `json:"what"`
}

func key(t *testing.T, tab *Tab, keys string) {
	t.Helper()
	if err := chromedp.Do(tab.Ctx, chromedp.KeyEvent(keys)); err != nil {
		t.Fatal(err)
	}
}

// walks goes through the whole page with the Tab key.
func walks(t *testing.T, tab *Tab, least int) {
	t.Helper()
	n := script[int](t, tab, controls)
	if n < least {
		t.Errorf("the page has %d controls", n)
	}
	var order []int
	for range n {
		key(t, tab, kb.Tab)
		at := script[focused](t, tab, focus)
		order = append(order, at.At)
		if !at.Seen {
			t.Errorf("nobody sees that %s has the keyboard", at.What)
		}
	}
	if !slices.IsSorted(order) || len(slices.Compact(order)) != n || order[0] != 0 {
		t.Errorf("the keyboard reaches %v of %d controls", order, n)
	}
}

// tabTo presses Tab until something has the keyboard.
func tabTo(t *testing.T, tab *Tab, selector string) {
	t.Helper()
	for range 100 {
		key(t, tab, kb.Tab)
		if script[bool](t, tab, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
	}
	t.Fatalf("the keyboard does not reach %s", selector)
}

// typed presses a key on a button and waits until a text is there; the button keeps the keyboard.
func (d *demo) typed(t *testing.T, tab *Tab, button, press, place, want string) {
	t.Helper()
	tabTo(t, tab, button)
	key(t, tab, press)
	tab.Until(t, fmt.Sprintf(`document.querySelector(%q).textContent.startsWith(%q)`, place, want))
	if !script[bool](t, tab, fmt.Sprintf("document.activeElement.matches(%q)", button)) {
		t.Errorf("%s has lost the keyboard", button)
	}
}

// keyboard uses the page, and the provider's, without a mouse.
func (d *demo) keyboard(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	d.guest(t, tab)
	walks(t, tab, 25)
	d.page(t, tab)
	key(t, tab, kb.Tab)
	key(t, tab, kb.Enter) // the link that skips to the content
	tab.Until(t, `location.hash === "#main"`)
	d.page(t, tab)
	d.typed(t, tab, call(shop, "GET /me"), kb.Enter, in(shop, ".answer [role=status]"), "401")
	d.typed(t, tab, call(office, "GET /feed"), " ", in(office, ".answer [role=status]"), "200")
	d.typed(t, tab, "#tv-start", kb.Enter, "#tv-text", "Waits")
	tabTo(t, tab, "#tv-off")
	key(t, tab, kb.Enter)
	tab.Until(t, `document.activeElement.id === "tv-start"`)

	d.page(t, tab)
	tabTo(t, tab, in(shop, ".login"))
	key(t, tab, kb.Enter)
	tab.Until(t, fmt.Sprintf("document.querySelector(%q) !== null", as("alice")))
	script[int](t, tab, controls)
	tabTo(t, tab, as("alice"))
	if at := script[focused](t, tab, focus); !at.Seen {
		t.Errorf("at the provider nobody sees that %s has the keyboard", at.What)
	}
	key(t, tab, " ")
	tab.Until(t, isIn(shop, true))
	walks(t, tab, 28)
	tab.Reload(t)
	tab.Until(t, isIn(shop, true))
	d.typed(t, tab, `[data-switch="rotate"]`, kb.Enter, "#then", "nowThe provider signs with key")
	d.typed(t, tab, "#inspect button", " ", "#verdict", "accepted")
	tabTo(t, tab, "#content summary")
	key(t, tab, kb.Enter)
	tab.Until(t, `document.getElementById("content").open`)
	tabTo(t, tab, "#lines summary")
	key(t, tab, " ")
	tab.Until(t, `document.getElementById("lines").open`)
	tab.Reload(t)
	tab.Until(t, isIn(shop, true))
	tabTo(t, tab, in(shop, ".logout"))
	key(t, tab, kb.Enter)
	tab.Until(t, isIn(shop, false))
	quiet(t, tab, guestTold)
}

// named looks at the page, logged out and in, with every part shown, as a screen reader has it; and at the provider's.
func (d *demo) named(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	d.guest(t, tab)
	d.press(t, tab, "#tv-start")
	d.says(t, tab, shop, "GET /me", "401")
	accessible(t, tab, 20)
	d.press(t, tab, "#tv-off")
	tab.Click(t, in(shop, ".login"))
	accessible(t, tab, 3)
	tab.Click(t, as("alice"))
	tab.Until(t, isIn(shop, true))
	d.logIn(t, tab, office, "alice")
	tab.Until(t, fmt.Sprintf(`document.querySelectorAll(%q).length >= 2`, in(shop, ".sessions li")))
	tab.Until(t, `!document.getElementById("inspection").hidden`)
	for _, summary := range []string{"#content", "#lines", "#source"} {
		tab.Press(t, summary+" summary")
	}
	accessible(t, tab, 40)
	d.press(t, tab, in(shop, ".end-all"))
	tab.Until(t, isIn(office, false))
}

// front brings a tab to the front: the demo's page rests while nobody sees it.
func front(t *testing.T, tab *Tab) {
	t.Helper()
	if _, err := chromedp.Call(tab.Ctx, page.BringToFront, struct{}{}); err != nil {
		t.Fatal(err)
	}
}

// roles are what a person can act on.
var roles = []string{
	"button", "link", "checkbox", "textbox", "radio", "combobox", "searchbox", "switch", "slider", "spinbutton", "listbox", "tab",
	"menuitem", "DisclosureTriangle",
}

// accessible reads the tree that a screen reader gets.
func accessible(t *testing.T, tab *Tab, least int) {
	t.Helper()
	tree, err := chromedp.Call(tab.Ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		t.Fatal(err)
	}
	found, level, names := 0, 0, map[string]bool{}
	for _, node := range tree.Nodes {
		if node.Ignored {
			continue
		}
		role, name := text(node.Role), text(node.Name)
		switch {
		case slices.Contains(roles, role):
			found++
			if name == "" {
				t.Errorf("a %s without a name", role)
			}
			if role == "button" && names[name] {
				t.Errorf("two buttons are called %q", name)
			}
			names[name] = role == "button"
		case role == "heading":
			next := levelOf(node)
			if name == "" || next > level+1 || level == 0 && next != 1 {
				t.Errorf("heading %q of level %d after one of level %d", name, next, level)
			}
			level = next
		case (role == "image" || role == "region") && name == "":
			t.Errorf("a %s without a name", role)
		}
	}
	if found < least || level == 0 {
		t.Errorf("%d controls, headings %t", found, level > 0)
	}
	if lang, title := script[string](t, tab, "document.documentElement.lang"), script[string](t, tab, "document.title"); lang != "en" || title == "" {
		t.Errorf("language %q, title %q", lang, title)
	}
	if bare := script[int](t, tab, `[...document.querySelectorAll("input:not([type=hidden])")].filter((e) => !e.labels.length && !e.ariaLabel).length`); bare > 0 {
		t.Errorf("%d inputs have no label", bare)
	}
}

func text(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	return strings.Trim(string(value.Value), `"`)
}

func levelOf(node *accessibility.Node) (level int) {
	for _, property := range node.Properties {
		if property.Name == "level" {
			_, _ = fmt.Sscan(string(property.Value.Value), &level)
		}
	}
	return level
}
