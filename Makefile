# A thin front for CMake: what a newcomer types. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec
.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory
export CTEST_PARALLEL_LEVEL ?= $(shell nproc)

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 20
SOAK_FUZZ_SECONDS ?= 600
TEST_SECONDS ?= 600

BUILD_PACKAGES := clang-19 lld-19 g++ cmake ninja-build ccache make pkg-config libssl-dev libsodium-dev libfido2-dev \
                  librocksdb-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev libspdlog-dev libgtest-dev libicu-dev zlib1g-dev libmimalloc-dev libyaml-dev libpq-dev libarchive-dev libfreexl-dev libseccomp-dev libsqlite3-dev
TEST_PACKAGES  := $(BUILD_PACKAGES) poppler-utils postgresql-15 util-linux dpkg-dev curl openssl ca-certificates strace golang-go golang-golang-x-mod-dev chromium fonts-dejavu-core kannel kannel-extras
CHECK_PACKAGES := $(BUILD_PACKAGES) libclang-rt-19-dev
BENCH_PACKAGES := $(BUILD_PACKAGES) openssl curl nginx-light postgresql-15 postgresql-15-pgaudit strace chromium

# Node is wanted with its npm, from Debian or anywhere else.
ifeq ($(shell command -v node && command -v npm),)
TEST_PACKAGES += nodejs npm
BENCH_PACKAGES += nodejs npm
endif

# clients: other people's programs that the tests run, and what the citizen's page is made of, as the
# package-lock.json of each folder pins them.
clients = for folder in tests/clients web/verify; do \
  if [ ! $$folder/node_modules/.package-lock.json -nt $$folder/package-lock.json ]; then \
    echo "Installing npm packages for tests ($$folder) ..."; \
    (cd $$folder && npm ci --no-audit --no-fund --silent --omit=optional && touch node_modules/.package-lock.json); \
  fi; \
done

# need(packages): installs what is missing, and says what. No server among them may begin to serve by
# itself: tests and benches run servers of their own.
define need
missing=$$(for p in $(1); do dpkg-query -Wf '$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || echo $$p; done); \
if [ -n "$$missing" ]; then \
  echo "Installing Debian packages:" $$missing; \
  if [ "$$(id -u)" != 0 ]; then echo "This needs root: sudo apt-get install --no-install-recommends" $$missing; exit 2; fi; \
  if [ ! -e /usr/sbin/policy-rc.d ]; then \
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT; \
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; \
  fi; \
  log=$$(mktemp); \
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing) >$$log 2>&1 \
    || { cat $$log; rm -f $$log; exit 2; }; rm -f $$log; \
fi
endef

# On a terminal ninja counts along on one line; elsewhere it speaks only of errors.
NINJA = ninja $$([ -t 2 ] || echo --quiet)

# configured(preset): configures once; CMake repeats it by itself when a file list changes.
configured = [ -f $(1)/build.ninja ] || cmake --preset $(2) >/dev/null

.PHONY: build deps demo test deb check-sanitizers gcc pictures bench sim bench-docs fuzz soak format man install clean help

build: ## build/amanat, build/amanat-verify and build/amanat-unpack (installs nothing)
	@$(call configured,build,release)
	@$(NINJA) -C build amanat amanat-unpack amanat-verify
	@echo "Built build/amanat, build/amanat-verify and build/amanat-unpack."

deps: ## install the Debian packages the build needs, if any is missing
	@$(call need,$(BUILD_PACKAGES))

demo: deps ## the whole story on this machine: 20 seconds once built
	@$(call configured,build,release)
	@echo "Building Amanat (some minutes the first time) ..."
	@$(NINJA) -C build amanat amanat-unpack amanat-verify
	@build/amanat demo $(DEMO)

test: ## build everything and run every test; the last line counts them
	@$(call need,$(TEST_PACKAGES))
	@$(clients)
	@$(call configured,build,release)
	@echo "Building Amanat and its tests ..."
	@$(NINJA) -C build
	@echo "Running every test ..."
	@ctest --test-dir build -V --timeout $(TEST_SECONDS) $(CTEST) 2>&1 | awk -f tests/sentences.awk

check-sanitizers: ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(call need,$(TEST_PACKAGES) $(CHECK_PACKAGES))
	@$(clients)
	@$(call configured,build-checked,checked)
	@$(NINJA) -C build-checked
	@ctest --test-dir build-checked -V --timeout $(TEST_SECONDS) $(CTEST) 2>&1 | awk -f tests/sentences.awk

gcc: ## the same code with g++ 12, warnings as errors
	@$(call need,$(BUILD_PACKAGES))
	@$(call configured,build-gcc,gcc)
	@$(NINJA) -C build-gcc

pictures: ## make the golden pictures of the console's pages anew (tests/pictures); look at them before you commit
	@$(call need,$(TEST_PACKAGES))
	@$(clients)
	@$(call configured,build,release)
	@$(NINJA) -C build pictures_test
	@AMANAT_PICTURES_RENEW=1 build/pictures_test --gtest_filter='Pictures.EveryPageLooks*'
	@du -sh tests/pictures

bench: ## measure against nginx and PostgreSQL on this machine; BENCH_SECONDS=2 for a smoke run
	@$(call need,$(BENCH_PACKAGES))
	@$(clients)
	@$(call configured,build,release)
	@echo "Building Amanat and its benches ..."
	@$(NINJA) -C build amanat http_load $(notdir $(basename $(wildcard bench/*_bench.cc)))
	@bench/run

sim: ## officers against detection (10,000, 20 years), then leaks against the trace; some minutes
	@$(call configured,build,release)
	@$(NINJA) -C build officers leaks
	@mkdir -p bench/out
	@build/officers --plots bench/out $(SIM)
	@build/leaks $(SIM_LEAKS)

bench-docs: ## put the figures of the last `make bench` into docs/performance.md
	@bench/docs

fuzz: ## each parser's fuzz target for FUZZ_SECONDS (20)
	@$(call need,$(CHECK_PACKAGES))
	@$(call configured,build-fuzz,fuzz)
	@$(NINJA) -C build-fuzz
	@for target in build-fuzz/*_fuzz; do \
	  name=$$(basename $$target _fuzz); mkdir -p build-fuzz/corpus/$$name; \
	  echo "Fuzzing $$name for $(FUZZ_SECONDS) s ..."; \
	  $$target -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=1024 -timeout=10 -verbosity=0 -print_final_stats=1 \
	    -artifact_prefix=build-fuzz/ build-fuzz/corpus/$$name $$(ls -d fuzz/corpus/$$name 2>/dev/null); \
	done

soak: ## the long runs: crash tests with many seeds, then fuzzing
	@AMANAT_KILLS=10000 AMANAT_TAKEOVERS=500 AMANAT_GATEWAYS=100 AMANAT_RESTART_KILLS=500 AMANAT_POWER_STATES=100000 AMANAT_FLIPS=100000 AMANAT_INJECTIONS=64 AMANAT_PROOFS=100000 AMANAT_REPLAYS=1000000 AMANAT_MIGRATE_CITIZENS=1000000 AMANAT_REWRAP_KEYS=10000000 AMANAT_CEDAR_DECISIONS=1000000 AMANAT_WHO_POLICIES=10000 AMANAT_LIES=10000 AMANAT_MUTATIONS=60 AMANAT_PROOF_SIZES=600 AMANAT_FLIPPED_PROOFS=100000 AMANAT_LINKER_ENTRIES=200000 AMANAT_TRUTHS=1000000 AMANAT_LEAKS=500 AMANAT_SMALL_LEAKS=1000000 AMANAT_EVIDENCE_FLIPS=all AMANAT_EVIDENCE_ROWS=10000 AMANAT_EXTRACT=10000 AMANAT_EXTRACT_KILLS=200 AMANAT_DECOY_ROWS=100000 AMANAT_THROUGHPUT=100 AMANAT_CANARIES=1000 AMANAT_CANARY_CITIZENS=1000000 AMANAT_ESTONIA=286438 AMANAT_SEQUENCE=1000000 AMANAT_YEAR_DAYS=364 AMANAT_PICTURES_ALL=1 $(MAKE) test TEST_SECONDS=14400
	@$(MAKE) fuzz FUZZ_SECONDS=$(SOAK_FUZZ_SECONDS)

format: ## format the C++ sources
	@$(call need,clang-format)
	@git ls-files '*.cc' '*.h' | xargs clang-format -i

man: build ## packaging/man/amanat.1 and the shell completions, from the command table
	@mkdir -p packaging/man packaging/completions
	@build/amanat help --man > packaging/man/amanat.1
	@build/amanat help --completion bash > packaging/completions/amanat.bash
	@build/amanat help --completion zsh > packaging/completions/_amanat

install: build ## into PREFIX (/usr/local), respecting DESTDIR
	@install -Dm755 -t $(DESTDIR)$(PREFIX)/bin build/amanat build/amanat-verify
	@install -Dm755 -t $(DESTDIR)$(PREFIX)/libexec/amanat build/amanat-unpack
	@install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	@build/amanat help --man > $(DESTDIR)$(PREFIX)/share/man/man1/amanat.1
	@build/amanat help --completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/amanat
	@build/amanat help --completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_amanat
	@install -Dm644 -t $(DESTDIR)$(PREFIX)/share/amanat/catalog/pakistan catalog/pakistan/*.toml
	@install -Dm644 -t $(DESTDIR)$(PREFIX)/share/amanat/policy examples/policy/*.toml
	@install -Dm644 -t $(DESTDIR)$(PREFIX)/share/amanat/citizen web/verify/amanat-verify.html
	@echo "Installed into $(DESTDIR)$(PREFIX)."

deb: build ## build/deb/amanat_VERSION_ARCH.deb: programs, man page, completions, hardened unit
	@$(call need,dpkg-dev)
	@packaging/deb build

clean: ## remove what was built
	@rm -rf build build-checked build-fuzz build-gcc

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' Makefile
