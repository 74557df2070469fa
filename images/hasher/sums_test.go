package main

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

const millionA = "a, a million times"

// Sources: RFC 1321 A.5; FIPS 180-4 example values (NIST); CRC-32 check value of the CRC catalogue
// (CRC-32/ISO-HDLC, "123456789"); RFC 1950 defines Adler-32, whose values here are worked out in its terms.
var published = []struct{ hash, message, want string }{
	{"MD5", "", "d41d8cd98f00b204e9800998ecf8427e"},
	{"MD5", "a", "0cc175b9c0f1b6a831c399e269772661"},
	{"MD5", "abc", "900150983cd24fb0d6963f7d28e17f72"},
	{"MD5", "message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
	{"MD5", "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
	{"MD5", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
	{"MD5", strings.Repeat("1234567890", 8), "57edf4a22be3c955ac49da2e2107b67a"},
	{"SHA1", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
	{"SHA1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
	{"SHA1", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
	{"SHA1", millionA, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
	{"SHA256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"SHA256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{
		"SHA256", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	},
	{"SHA256", millionA, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	{
		"SHA512", "abc",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
			"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	},
	{
		"SHA512", millionA,
		"e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb" +
			"de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
	},
	{"CRC32", "", "00000000"},
	{"CRC32", "123456789", "cbf43926"},
	{"ADLER32", "", "00000001"},
	{"ADLER32", "abc", "024d0127"}, // 1+97+98+99 = 0x127; 98+196+295 = 0x24d
}

func TestSumsMatchPublishedVectors(t *testing.T) {
	hasher := NewHasher()
	for _, vector := range published {
		message := vector.message
		if message == millionA {
			message = strings.Repeat("a", 1e6)
		}
		sums, err := hasher.Read(strings.NewReader(message))
		if err != nil {
			t.Fatal(err)
		}
		if got := byName(sums, vector.hash); got != vector.want {
			t.Errorf("%s(%.20q) = %s, want %s", vector.hash, vector.message, got, vector.want)
		}
	}
}

func TestSumsDoNotDependOnWhereBuffersEnd(t *testing.T) {
	hasher := NewHasher()
	whole := bufferBytes * bufferCount
	for _, size := range []int{1, bufferBytes - 1, bufferBytes, bufferBytes + 1, whole - 1, whole, whole + 1, 5*whole + 7} {
		data := randomBytes(size)
		sums, err := hasher.Read(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if want := directly(data); sums != want {
			t.Errorf("%d bytes: got %+v, want %+v", size, sums, want)
		}
	}
}

func TestSumsDoNotDependOnHowTheSourceIsRead(t *testing.T) {
	data := randomBytes(3*bufferBytes + 11)
	for name, source := range map[string]io.Reader{
		"byte by byte":     iotest.OneByteReader(bytes.NewReader(data)),
		"halves":           iotest.HalfReader(bytes.NewReader(data)),
		"end with data":    iotest.DataErrReader(bytes.NewReader(data)),
		"nothing at times": &stutter{bytes.NewReader(data), false},
	} {
		sums, err := NewHasher().Read(source)
		if err != nil || sums != directly(data) {
			t.Errorf("%s: %v, %+v", name, err, sums)
		}
	}
}

func TestReadErrorIsReportedAndTheHasherStaysUsable(t *testing.T) {
	hasher := NewHasher()
	broken := errors.New("the disk is broken")
	for _, before := range []int{0, 100, bufferBytes, 3*bufferBytes + 1} {
		source := io.MultiReader(bytes.NewReader(randomBytes(before)), iotest.ErrReader(broken))
		if _, err := hasher.Read(source); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: got error %v", before, err)
		}
	}
	if free := len(hasher.ring.free); free != bufferCount {
		t.Fatalf("%d of %d buffers came back", free, bufferCount)
	}
	if sums, err := hasher.Read(strings.NewReader("abc")); err != nil || sums != directly([]byte("abc")) {
		t.Errorf("afterwards: %v, %+v", err, sums)
	}
}

func byName(sums Sums, name string) string {
	for _, sum := range sums.named() {
		if sum[0] == name {
			return sum[1]
		}
	}
	return "no hash of that name"
}

// directly is the reference: each hash by itself over the whole of data.
func directly(data []byte) Sums {
	md5Sum, sha1Sum, sha256Sum, sha512Sum := md5.Sum(data), sha1.Sum(data), sha256.Sum256(data), sha512.Sum512(data)
	return Sums{
		Bytes: int64(len(data)), MD5: hex.EncodeToString(md5Sum[:]), SHA1: hex.EncodeToString(sha1Sum[:]),
		SHA256: hex.EncodeToString(sha256Sum[:]), SHA512: hex.EncodeToString(sha512Sum[:]),
		CRC32: fmt.Sprintf("%08x", crc32.ChecksumIEEE(data)), Adler32: fmt.Sprintf("%08x", adler32.Checksum(data)),
	}
}

func randomBytes(size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(data)
	return data
}

// stutter returns no bytes and no error every other time, which io.Reader allows.
type stutter struct {
	source io.Reader
	gave   bool
}

func (s *stutter) Read(p []byte) (int, error) {
	s.gave = !s.gave
	if s.gave {
		return 0, nil
	}
	return s.source.Read(p)
}
