package main

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"
)

// shows waits until the device shows a state.
func (b *browser) shows(state string) screen {
	b.t.Helper()
	var last screen
	for end := time.Now().Add(2 * soon); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if last = readAs[struct{ Device screen }](b.t, b.get("/demo/state")).Device; last.State == state {
			return last
		}
	}
	b.t.Fatalf("the device shows %+v, not %s", last, state)
	return last
}

func TestDeviceLogin(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b, person := newBrowser(t, d), newBrowser(t, d)
		if none := b.get("/demo/device.svg"); none.status != http.StatusNotFound {
			t.Errorf("a QR code of a device that is off: %d", none.status)
		}
		b.control("device", "on", "true")
		waiting := b.shows("waiting")
		drawn := b.get("/demo/device.svg")
		if err := xml.Unmarshal([]byte(drawn.body), new(struct{})); err != nil || drawn.header.Get("Content-Type") != "image/svg+xml" {
			t.Errorf("the QR code: %v, %v", err, drawn.header)
		}
		if done := person.press(person.get(waiting.Link), "user", "carol"); done.status != http.StatusOK {
			t.Fatalf("the provider's page: %d %s", done.status, done.body)
		}
		if in := b.shows("in"); in.Who != "carol" || in.Code != "" {
			t.Errorf("the device shows %+v", in)
		}
		b.control("device", "on", "false")
		b.shows("off")

		b.control("device", "on", "true")
		person.press(person.get(b.shows("waiting").Link), "deny", "1")
		b.shows("access_denied")
	})
}

// A QR code has its three finder patterns in a border of four modules, and other texts have other codes.
func TestQRCode(t *testing.T) {
	drawn, err := qrCode("https://idp.example.org/device?user_code=ABCD-EFGH")
	if err != nil {
		t.Fatal(err)
	}
	other, err := qrCode("https://idp.example.org/device?user_code=ABCD-EFGJ")
	if err != nil || other == drawn {
		t.Errorf("two codes are the same, %v", err)
	}
	const size = 33 + 2*quiet // version 4
	for _, corner := range [][2]int{{quiet, quiet}, {size - quiet - 7, quiet}, {quiet, size - quiet - 7}} {
		for y := range 7 {
			for x := range 7 {
				ring := min(x, y, 6-x, 6-y)
				dark := strings.Contains(drawn, module(corner[0]+x, corner[1]+y))
				if dark != (ring != 1) {
					t.Fatalf("module %d, %d of the finder pattern at %v is dark: %t", x, y, corner, dark)
				}
			}
		}
	}
	if _, err := qrCode(strings.Repeat("x", 5000)); err == nil {
		t.Error("a text that does not fit is drawn")
	}
}
