package keys

// The folder on disk: permissions, atomic writes, one writer, reading and destroying key files.

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// checkPrivate refuses what group or others can reach, and says what to do.
func checkPrivate(path string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	mode := "600"
	if info.IsDir() {
		mode = "700"
	}
	return fmt.Errorf("%s can be reached by others than its owner; run: chmod %s %s", path, mode, path)
}

// whereKeysAre is what to do where there are none. A second house key would split a deployment: init is not the first word.
const whereKeysAre = "mount the one that the other workers use, or in a new deployment run: consentry keys init"

// checkFolder refuses a folder that is not there, is none, or is open to others.
func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the key folder %s does not exist; %s", dir, whereKeysAre)
	case err != nil || !info.IsDir():
		return fmt.Errorf("%s is not a folder that can be read", dir)
	}
	return checkPrivate(dir, info)
}

// readKey reads 32 bytes from a private file. A missing file gives fs.ErrNotExist.
func readKey(dir, name string) (key [keySize]byte, err error) {
	path := filepath.Join(dir, name)
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return key, fs.ErrNotExist
		}
		return key, fmt.Errorf("%s cannot be read", path)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return key, fmt.Errorf("%s cannot be read", path)
	}
	if err := checkPrivate(path, info); err != nil {
		return key, err
	}
	var buf [keySize + 1]byte
	n := 0
	for n < len(buf) {
		m, err := f.Read(buf[n:])
		n += m
		if err != nil {
			break
		}
	}
	if n != keySize {
		return key, fmt.Errorf("%s does not hold exactly %d bytes; restore it from a backup", path, keySize)
	}
	copy(key[:], buf[:keySize])
	return key, nil
}

// writeFile makes a file whole or not at all: temporary file, fsync, rename or link, fsync of the folder. Without
// replace an existing file is never touched and gives fs.ErrExist.
func writeFile(dir, name string, content []byte, replace bool) error {
	broken := fmt.Errorf("%s cannot be written to %s", name, dir)
	f, err := os.CreateTemp(dir, ".new-*") // made with mode 0600
	if err != nil {
		return broken
	}
	tmp := f.Name()
	defer os.Remove(tmp)
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return broken
	}
	target := filepath.Join(dir, name)
	if replace {
		err = os.Rename(tmp, target)
	} else {
		err = os.Link(tmp, target) // unlike rename it never takes another's place
	}
	if errors.Is(err, fs.ErrExist) {
		return fs.ErrExist
	}
	if err != nil || syncDir(dir) != nil {
		return broken
	}
	return nil
}

// makeKey writes 32 fresh random bytes. It reports false when the file was already there, which is left as it is.
func makeKey(dir, name string) (bool, error) {
	var key [keySize]byte
	_, _ = rand.Read(key[:]) // since Go 1.24 it never fails: it ends the process instead
	defer clear(key[:])
	err := writeFile(dir, name, key[:], false)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// destroy overwrites a key file, then removes it. A file system that copies on write may keep the old block; the
// folder's backups certainly do: docs say so. A missing file is no error, so that an interrupted erasure can be ended.
func destroy(dir, name string) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s cannot be erased", path)
	}
	var noise [keySize]byte
	_, _ = rand.Read(noise[:])
	_, err = f.WriteAt(noise[:], 0)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%s cannot be overwritten", path)
	}
	if os.Remove(path) != nil || syncDir(dir) != nil {
		return fmt.Errorf("%s was overwritten but cannot be removed", path)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lock makes this process the one writer, until the returned function is called or the process ends.
func lock(dir string) (func(), error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the key folder %s cannot be written to", dir)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, errors.New("another consentry is writing to the key folder; try again when it is done")
	}
	return func() { f.Close() }, nil
}

// sweep removes what an interrupted write left behind; only the holder of the lock may call it.
func sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("the key folder %s cannot be read", dir)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".new-") {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("the key folder %s cannot be read", dir)
		}
		// Killed between link and remove, a writer leaves two names of one file: overwriting the one would overwrite
		// the key that stands under the other.
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Nlink > 1 {
			if os.Remove(filepath.Join(dir, e.Name())) != nil {
				return fmt.Errorf("the key folder %s cannot be written to", dir)
			}
			continue
		}
		if err := destroy(dir, e.Name()); err != nil {
			return err
		}
	}
	return nil
}
