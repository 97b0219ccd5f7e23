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
	maxPictureSide   = 4096    // pixels of a picture that is taken
	maxPicturePixels = 2 << 20 // so that decoding one takes some 32 MiB at most
	maxIconUpload    = 7168    // bytes that servers take (AOL, "BART")
	iconSideICQ      = 64
	iconSideAIM      = 48
)

// makeIcon makes an icon of a picture: a JPEG of so many pixels each way, of the
// picture's middle, on white where it is transparent. How large a picture is, is
// looked at before it is decoded.
func makeIcon(picture []byte, side int) ([]byte, error) {
	cfg, _, err := image.DecodeConfig(bytes.NewReader(picture))
	switch {
	case err != nil:
		return nil, err
	case cfg.Width <= 0 || cfg.Height <= 0 || cfg.Width > maxPictureSide || cfg.Height > maxPictureSide || cfg.Width*cfg.Height > maxPicturePixels:
		return nil, fmt.Errorf("a picture of %d × %d pixels is too large", cfg.Width, cfg.Height)
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
	return nil, errors.New("the picture cannot be made small enough")
}

// shrink scales the square in the middle of a picture to side × side pixels: each
// is the mean of those that it stands for.
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
					r, g, b, a := full.At(left+sx, top+sy).RGBA() // of 0xFFFF, with a in them
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
