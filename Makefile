# The front door; `make help` lists what there is. CMake does the work: CMakeLists.txt and CMakePresets.json.
.DEFAULT_GOAL := help
SHELL := bash

jobs := $(shell nproc)
venv := build/python-venv
configure_options := $(if $(CI),-DDINI_WERROR=ON)
sources = $(shell git ls-files '*.cpp' '*.hpp')

# Every target here is a command, none a file.
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 20

demo: ## install what is missing, build, and show an implicit layer in C++ and on the command line
	@scripts/install_packages.sh
	@cmake --preset release $(configure_options) >/dev/null
	@cmake --build --preset release -j $(jobs) --target dini_cli example_notebook
	@scripts/demo.sh build/release/bin

test: ## install what is missing, build, and run all tests
	@scripts/install_packages.sh
	cmake --preset release $(configure_options)
	cmake --build --preset release -j $(jobs)
	ctest --preset release -j 2

python: $(venv)/requirements.txt ## build the Python package, install it into a virtual environment (build/python-venv), and run its tests
	cmake --preset release $(configure_options) -DDINI_BUILD_PYTHON=ON -DPython_EXECUTABLE=$(abspath $(venv))/bin/python
	cmake --build --preset release -j $(jobs) --target _dini
	rm -rf $(venv)/lib/python3*/site-packages/dini
	cmake --install build/release --component python --prefix $$(echo $(abspath $(venv))/lib/python3*/site-packages) >/dev/null
	$(venv)/bin/python -m pytest

python-torch: ## the tests of dini.torch, after `make python`: PyTorch is installed into the same environment, 5 GB of it
	@test -d $(venv)/lib/python3*/site-packages/dini || $(MAKE) python
	@$(venv)/bin/python -c 'import torch, sklearn' 2>/dev/null || $(venv)/bin/pip install -q torch scikit-learn
	$(venv)/bin/python -m pytest python/tests/test_torch*.py docs/python.md

# The compiler by the name that CMake finds, and not by Python's: ccache has then what `make python` has compiled.
wheel: $(venv)/requirements.txt ## the Python package as a wheel with the libraries that it wants, in build/wheel, tried in an environment of its own
	rm -rf build/wheel build/wheel-of-here
	CXX=c++ CMAKE_BUILD_PARALLEL_LEVEL=$(jobs) $(venv)/bin/pip wheel -q --no-deps --no-build-isolation $(configure_options:-D%=-C cmake.define.%) -w build/wheel-of-here .
	PATH=$(abspath $(venv))/bin:$$PATH auditwheel repair -w build/wheel build/wheel-of-here/*.whl >/dev/null
	scripts/try_wheel.sh

# What the package is built and tested with; made anew where the list has changed.
$(venv)/requirements.txt: python/requirements.txt | python-packages
	test -x $(venv)/bin/python || python3 -m venv $(venv)
	$(venv)/bin/pip install -q -r $<
	cp $< $@

.PHONY: python-packages
python-packages:
	@scripts/install_packages.sh --with-python

debug: ## the tests without optimisation
	@scripts/install_packages.sh
	cmake --preset debug $(configure_options)
	cmake --build --preset debug -j $(jobs)
	ctest --preset debug -j 2

asan: ## the tests under the address and undefined-behaviour sanitizers, by clang
	@scripts/install_packages.sh --with-clang
	cmake --preset asan $(configure_options)
	cmake --build --preset asan -j $(jobs)
	ctest --preset asan -j 2

tsan: ## what several threads do, under the thread sanitizer
	@scripts/install_packages.sh
	cmake --preset tsan $(configure_options)
	cmake --build --preset tsan -j $(jobs) --target dini_tests
	build/tsan/bin/dini_tests --gtest_brief=1 --gtest_filter=-Pool.AChildOfForkStartsItsOwn:S2*:S3* # the sanitizer has no threads there; S: what derivatives mean

shared: ## the library as a shared one, by clang, and users' projects built against it
	@scripts/install_packages.sh --with-clang
	cmake --preset clang -B build/shared -DDINI_BUILD_TESTS=OFF $(configure_options)
	cmake --build build/shared -j $(jobs)
	tests/package/run.sh build/shared

clang: ## the tests, built by clang against a shared library
	@scripts/install_packages.sh --with-clang
	cmake --preset clang $(configure_options)
	cmake --build --preset clang -j $(jobs)
	ctest --preset clang -j 2
	tests/package/run.sh build/clang

arm: ## for 64-bit ARM by the cross compiler: the library, the tool, and the tests of what depends on the processor, run by qemu
	@scripts/install_packages.sh --with-arm
	cmake --preset arm $(configure_options)
	cmake --build --preset arm -j $(jobs) --target dini_tests dini_cli example_notebook
	ctest --preset arm -j 2

arm-small: ## the same with the tests of the kernels alone
	@scripts/install_packages.sh --with-arm
	cmake --preset arm -B build/arm-small -DDINI_TESTS='^ops/(vector|lane|dense|reduce)_' $(configure_options)
	cmake --build build/arm-small -j $(jobs) --target dini_tests example_notebook
	ctest --test-dir build/arm-small -R '^(unit_.*|example_notebook)$$' --output-on-failure --no-tests=error -j 2

package: ## install into a temporary folder and build a user's project against it
	@scripts/install_packages.sh
	cmake --preset release $(configure_options)
	cmake --build --preset release -j $(jobs)
	tests/package/run.sh build/release

bench: ## build and run the benchmarks
	@scripts/install_packages.sh --with-bench
	cmake --preset bench
	cmake --build --preset bench -j $(jobs)
	scripts/bench.sh build/bench/bin

bench-plots: $(venv)/requirements.txt ## the pictures of docs/performance.md: how time grows with unknowns and with lanes
	@scripts/install_packages.sh --with-bench
	cmake --preset bench
	cmake --build --preset bench -j $(jobs) --target bench_growth
	build/bench/bin/bench/growth --json >build/bench/growth.json
	$(venv)/bin/python scripts/growth_plots.py build/bench/growth.json docs/images

bench-python: $(venv)/requirements.txt ## what calls from Python cost, beside JAX, JAXopt, Optimistix, SciPy and PyTorch, 6 GB of them, which are installed into build/python-bench
	cmake --preset release $(configure_options) -DDINI_BUILD_PYTHON=ON -DPython_EXECUTABLE=$(abspath $(venv))/bin/python
	cmake --build --preset release -j $(jobs) --target _dini
	test -x build/python-bench/bin/python || python3 -m venv build/python-bench
	build/python-bench/bin/pip install -q numpy scipy jax jaxopt optimistix torch
	rm -rf build/python-bench/lib/python3*/site-packages/dini
	cmake --install build/release --component python --prefix $$(echo $(abspath build/python-bench)/lib/python3*/site-packages) >/dev/null
	build/python-bench/bin/python bench/python_calls.py

bench-qp-peers: ## quadratic programs beside ProxQP, OSQP, Clarabel and quadprog, which are installed into build/bench
	@scripts/install_packages.sh --with-bench
	cmake --preset bench
	cmake --build --preset bench -j $(jobs) --target bench_program_peers
	scripts/program_peers.sh build/bench

bench-peers: ## layers and batches beside JAX, JAXopt, Optimistix and CasADi, which are installed into build/bench
	@scripts/install_packages.sh --with-bench
	cmake --preset bench
	cmake --build --preset bench -j $(jobs) --target bench_layers bench_batches
	scripts/layer_peers.sh build/bench

format: ## clang-format every source in place
	@scripts/install_packages.sh --with-clang
	clang-format -i $(sources)

format-check: ## fail where clang-format would change a source
	@scripts/install_packages.sh --with-clang
	@$(if $(sources),clang-format --dry-run --Werror $(sources))

tidy: ## clang-tidy on every source of the library and the tool
	@scripts/install_packages.sh --with-clang
	cmake --preset clang -DDINI_UNITY=OFF -B build/tidy >/dev/null
	git ls-files 'dini/*.cpp' 'apps/*.cpp' | xargs -r -P $(jobs) -n 1 clang-tidy --quiet -p build/tidy

mutate: ## break rules, kernels and passes one by one, in memory, and list the breaks that no test notices
	@scripts/install_packages.sh
	cmake --preset release $(configure_options)
	cmake --build --preset release -j $(jobs) --target dini_mutate
	build/release/bin/dini_mutate

clean: ## remove the build folders
	rm -rf build
