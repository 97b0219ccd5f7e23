package oscar

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // formats that image.Decode reads
	"image/jpeg"
	_ "image/png"
)

const (
	maxPictureSide   = 4096    // limit: pixels on each side of the user's avatar | it is not published
	maxPicturePixels = 2 << 20 // limit: pixels of the user's avatar: about 32 MiB for decoding | it is not published
	maxIconUpload    = 7168    // limit: bytes of an avatar that servers accept (AOL, "BART") | it is scaled down
	iconSideICQ      = 64
	iconSideAIM      = 48
)

// makeIcon scales the centre square of an image to a JPEG of side × side pixels, with a
// white background. It checks the dimensions before it decodes the image.
func makeIcon(picture []byte, side int) ([]byte, error) {
	cfg, _, err := image.DecodeConfig(bytes.NewReader(picture))
	switch {
	case err != nil:
		return nil, err
	case cfg.Width <= 0 || cfg.Height <= 0 || cfg.Width > maxPictureSide || cfg.Height > maxPictureSide || cfg.Width*cfg.Height > maxPicturePixels:
		return nil, fmt.Errorf("an image of %d × %d pixels is too large", cfg.Width, cfg.Height)
	}
	full, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	icon := shrink(full, side)
	for _, quality := range []int{90, 75, 60, 45, 30} {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, icon, &jpeg.Options{Quality: quality}); err != nil {
			return nil, err
		}
		if b.Len() <= maxIconUpload {
			return b.Bytes(), nil
		}
	}
	return nil, errors.New("the image cannot be compressed enough")
}

// shrink scales the centre square of an image to side × side pixels: each is the mean
// of the pixels that it covers.
func shrink(full image.Image, side int) image.Image {
	b := full.Bounds()
	edge := min(b.Dx(), b.Dy())
	left, top := b.Min.X+(b.Dx()-edge)/2, b.Min.Y+(b.Dy()-edge)/2
	icon := image.NewRGBA(image.Rect(0, 0, side, side))
	span := func(i int) (from, to int) {
		from = i * edge / side
		return from, max((i+1)*edge/side, from+1)
	}
	for y := range side {
		fromY, toY := span(y)
		for x := range side {
			fromX, toX := span(x)
			var sum [3]uint64
			for sy := fromY; sy < toY; sy++ {
				for sx := fromX; sx < toX; sx++ {
					r, g, b, a := full.At(left+sx, top+sy).RGBA() // 16 bits each, premultiplied by alpha
					white := uint64(0xFFFF - a)
					sum[0] += uint64(r) + white
					sum[1] += uint64(g) + white
					sum[2] += uint64(b) + white
				}
			}
			n := uint64((toX-fromX)*(toY-fromY)) << 8
			icon.SetRGBA(x, y, color.RGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), 0xFF})
		}
	}
	return icon
}
