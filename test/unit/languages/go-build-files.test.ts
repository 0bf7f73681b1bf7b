/** Which files a Go build reads. The right column is what `go list` says, for linux on amd64 or arm64 without cgo. */
import { expect, test } from 'vitest';
import { isBuiltByName, isBuiltByText } from '#languages/go/build-files.ts';

test.each([
  { name: 'a.go', built: true },
  { name: 'folder_windows/a.go', built: true },
  { name: 'a_test.go', built: false },
  { name: '_a.go', built: false },
  { name: '.a.go', built: false },
  { name: 'a_linux.go', built: true },
  { name: 'a_windows.go', built: false },
  { name: 'a_arm64.go', built: true },
  { name: 'a_386.go', built: false },
  { name: 'a_darwin_arm64.go', built: false },
  { name: 'a_linux_amd64.go', built: true },
  { name: 'linux.go', built: true },
  { name: 'windows.go', built: true },
  { name: 'a_unix.go', built: true },
])('$name by its name: $built', ({ name, built }) => {
  expect(isBuiltByName(name)).toBe(built);
});

test.each([
  { text: 'package a', built: true },
  { text: '//go:build ignore\n\npackage main', built: false },
  { text: '// A comment.\n\n/* Another. */\n//go:build !linux\n\npackage a', built: false },
  { text: '//go:build linux && (amd64 || arm64)\npackage a', built: true },
  { text: '//go:build amd64 && !arm64\npackage a', built: true },
  { text: '//go:build !(linux || darwin)\npackage a', built: false },
  { text: '//go:build unix && go1.18 && gc\npackage a', built: true },
  { text: '//go:build cgo\npackage a', built: false },
  { text: '//go:build tools\r\npackage a', built: false },
  { text: '// +build ignore\n\npackage a', built: false },
  { text: '// +build linux,!cgo darwin\n\npackage a', built: true },
  { text: 'package a\n\n//go:build ignore\n', built: true },
  { text: 'package a\n\nimport "C"\n', built: false },
  { text: '// Words.\npackage documentation', built: false },
])('by its text: $text: $built', ({ text, built }) => {
  expect(isBuiltByText(text)).toBe(built);
});
