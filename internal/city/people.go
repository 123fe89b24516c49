package city

// Who people are: lines, cards, devices, households and names. Everything is computed from the subscriber's number, so
// a city of a million needs no memory for them.

import (
	"strconv"
	"strings"
)

// MaxSubscribers is how many numbers there are: in each area 10,000 of the exchange 555, which is nobody's.
const MaxSubscribers = 2_000_000

// areas are 200 area codes of the United States, so that a phone number library accepts the numbers.
const areas = "" +
	"201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 " +
	"248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 " +
	"315 316 317 318 319 320 321 323 325 330 331 334 336 337 347 351 352 360 361 386 401 402 404 405 406 " +
	"407 408 409 410 412 413 414 415 417 419 423 424 425 432 434 435 440 443 469 478 479 480 484 501 502 " +
	"503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 559 561 562 563 567 570 571 573 " +
	"574 575 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626 630 " +
	"631 636 641 646 650 651 660 661 662 678 682 701 702 703 704 706 707 708 712 713 714 715 716 717 718 " +
	"719 720 724 727 731 732 734 740 754 757 760 763 765 770 772 773 774 775 781 785 786 801 802 803 804"

// MSISDN is somebody's number in E.164, e.g. +13165550123.
func (c *City) MSISDN(who int) string { return string(c.appendMSISDN(nil, uint64(who))) }

func (c *City) appendMSISDN(dst []byte, u uint64) []byte {
	n := (u*c.step + c.shift) % MaxSubscribers
	dst = append(dst, "+1"...)
	dst = append(dst, areas[n/10000*4:n/10000*4+3]...)
	dst = append(dst, "555"...)
	return appendDigits(dst, n%10000, 4)
}

// IMSI is the identity of the card: 15 digits in the test network 310-014.
func (c *City) IMSI(who int) string { return string(c.appendIMSI(nil, uint64(who))) }

func (c *City) appendIMSI(dst []byte, u uint64) []byte {
	n := (u*c.step + c.shift) % MaxSubscribers
	return appendDigits(append(dst, "310014"...), n*431+17, 9)
}

// IMEI is the identity of the phone: 15 digits, the last of them Luhn's.
func (c *City) IMEI(who int) string { return string(c.appendIMEI(nil, uint64(who))) }

func (c *City) appendIMEI(dst []byte, u uint64) []byte {
	n := (u*c.step + c.shift) % MaxSubscribers
	start := len(dst)
	dst = appendDigits(append(dst, "35"...), 190011+c.model(u)*7919+n/1_000_000, 6)
	dst = appendDigits(dst, n%1_000_000, 6)
	return append(dst, luhn(dst[start:]))
}

// model is an index into models.
func (c *City) model(u uint64) uint64 { return c.trait(tagDevice, u) % uint64(len(models)) }

// Account is the household that pays for the line.
func (c *City) Account(who int) string { return string(c.appendAccount(nil, uint64(who))) }

func (c *City) appendAccount(dst []byte, u uint64) []byte {
	_, h := c.household(u)
	return appendDigits(append(dst, "ACC-"...), h+100_000_000, 9)
}

// families are ways to divide twelve lines into households.
var families = [...][12]uint8{
	{0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5},
	{0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4},
	{0, 1, 1, 2, 2, 3, 4, 5, 5, 5, 5, 5},
	{0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6},
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 9},
	{0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5},
}

// household tells somebody's place in the household, from 0, and its number.
func (c *City) household(u uint64) (place int, number uint64) {
	block, i := u/12, u%12
	f := &families[scale(c.trait(tagHousehold, block), uint64(len(families)))]
	for j := i; j > 0 && f[j-1] == f[i]; j-- {
		place++
	}
	return place, block*12 + uint64(f[i])
}

// Minor tells whether the carrier knows the user of the line to be a child. known is false for a few family lines.
func (c *City) Minor(who int) (minor, known bool) {
	place, _ := c.household(uint64(who))
	t := scale(c.trait(tagMinor, uint64(who)), 100)
	return place >= 2 && t < 60, t != 99
}

// Name is a given and a family name; the household shares the latter.
func (c *City) Name(who int) string { return string(c.appendName(nil, uint64(who))) }

func (c *City) appendName(dst []byte, u uint64) []byte {
	_, h := c.household(u)
	dst = append(dst, givenNames[scale(c.trait(tagName, u), uint64(len(givenNames)))]...)
	dst = append(dst, ' ')
	return append(dst, familyNames[scale(c.trait(tagName+1<<8, h), uint64(len(familyNames)))]...)
}

// Email is somebody's address in a domain that cannot exist.
func (c *City) Email(who int) string { return string(c.appendEmail(nil, uint64(who))) }

func (c *City) appendEmail(dst []byte, u uint64) []byte {
	dst = append(dst, strings.ToLower(strings.ReplaceAll(c.Name(int(u)), " ", "."))...)
	dst = strconv.AppendUint(dst, u%1000, 10)
	return append(dst, "@mail.example.com"...)
}

// activatedMS is since when the line is this person's; 0 is unknown. A few lines are younger than their consents.
func (c *City) activatedMS(u uint64) int64 {
	t := c.trait(tagSince, u)
	days := int64(800 + scale(mix(t), 2400))
	switch p := scale(t, 1000); {
	case p < 15:
		return 0
	case p < 35:
		days = int64(1 + scale(mix(t), 25))
	}
	return c.opt.StartMS - days*24*hourMS
}

// OptedOut tells whether somebody's devices send a global privacy control.
func (c *City) OptedOut(who int) bool { return scale(c.trait(tagSignal, uint64(who)), 100) < 4 }

func (c *City) os(u uint64) string {
	switch p := scale(c.trait(tagDevice+1<<8, u), 100); {
	case p < 55:
		return "android"
	case p < 96:
		return "ios"
	}
	return "other"
}

// appendAdID is the advertising id of somebody's phone, shaped like a random UUID.
func (c *City) appendAdID(dst []byte, u uint64) []byte {
	a, b := c.trait(tagDevice+2<<8, u), c.trait(tagDevice+3<<8, u)
	a, b = a&^0xf000|0x4000, b&^(3<<62)|2<<62
	dst = appendHex(dst, a>>32, 8)
	dst = appendHex(append(dst, '-'), a>>16, 4)
	dst = appendHex(append(dst, '-'), a, 4)
	dst = appendHex(append(dst, '-'), b>>48, 4)
	return appendHex(append(dst, '-'), b, 12)
}

// appendMAC is the address of somebody's phone on a wireless network, locally administered.
func (c *City) appendMAC(dst []byte, u uint64) []byte {
	h := c.trait(tagDevice+4<<8, u)
	dst = append(dst, "02"...)
	for i := range 5 {
		dst = appendHex(append(dst, ':'), h>>(8*i), 2)
	}
	return dst
}

// appendIP is the address of the moment: shared, private or of the documentation range.
func appendIP(dst []byte, r *rng) []byte {
	if r.percent(30) {
		dst = append(dst, "2001:db8:"...)
		dst = strconv.AppendUint(dst, r.below(65536), 16)
		return strconv.AppendUint(append(dst, "::"...), 1+r.below(65535), 16)
	}
	dst = strconv.AppendUint(append(dst, "100."...), 64+r.below(64), 10)
	dst = strconv.AppendUint(append(dst, '.'), r.below(256), 10)
	return strconv.AppendUint(append(dst, '.'), 1+r.below(254), 10)
}

func appendDigits(dst []byte, n uint64, width int) []byte {
	for range width {
		dst = append(dst, 0)
	}
	for i := len(dst) - 1; i >= len(dst)-width; i-- {
		dst[i] = '0' + byte(n%10)
		n /= 10
	}
	return dst
}

func appendHex(dst []byte, n uint64, width int) []byte {
	for i := width - 1; i >= 0; i-- {
		dst = append(dst, "0123456789abcdef"[n>>(4*i)&15])
	}
	return dst
}

// luhn is the check digit for the digits before it.
func luhn(digits []byte) byte {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return '0' + byte((10-sum%10)%10)
}
