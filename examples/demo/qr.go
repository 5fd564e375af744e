package main

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the width of the empty border, in modules (ISO/IEC 18004 section 9.1).
const quiet = 4

// qrCode draws a text as a QR code in SVG: black on white in dark mode too, because many cameras read nothing else.
func qrCode(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", err
	}
	var path strings.Builder
	size := code.Bounds().Dx()
	for y := range size {
		for x := range size {
			if color.GrayModel.Convert(code.At(x, y)) == (color.Gray{}) {
				path.WriteString(module(x+quiet, y+quiet))
			}
		}
	}
	whole := size + 2*quiet
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %[1]d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path d="%s"/></svg>`,
		whole, path.String()), nil
}

// module draws one dark square.
func module(x, y int) string { return fmt.Sprintf("M%d %dh1v1h-1z", x, y) }
