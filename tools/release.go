package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// release checks that the repository is ready for a tag, and prints the commands. It changes nothing.
func (r *repo) release() error {
	changelog, err := os.ReadFile(filepath.Join(r.Root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	faults := []error{r.versionFaults()}
	if !strings.Contains(string(changelog), "\n## ["+strings.TrimPrefix(r.Version, "v")+"] - ") {
		faults = append(faults, fmt.Errorf("CHANGELOG.md has no dated section for %s", r.Version))
	}
	status, err := command(r.Root, nil, "git", "status", "--porcelain").Output()
	if err != nil {
		return fmt.Errorf("git status: %w", err)
	}
	if len(status) > 0 {
		faults = append(faults, errors.New("the working tree has uncommitted changes"))
	}
	var tags []string
	for _, m := range r.released() {
		tag := m.Name + "/" + r.Version
		tags = append(tags, tag)
		if command(r.Root, nil, "git", "rev-parse", "--quiet", "--verify", "refs/tags/"+tag).Run() == nil {
			faults = append(faults, fmt.Errorf("the tag %s exists", tag))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	fmt.Printf("# %s is ready. All tags stand on one commit and go out in one push:\n", r.Version)
	for _, tag := range tags {
		fmt.Printf("git tag -a %s -m %s\n", tag, tag)
	}
	fmt.Printf("git push --atomic origin %s\n", strings.Join(tags, " "))
	return nil
}
