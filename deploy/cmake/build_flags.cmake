# How every target is compiled.  Linked as the interface library "lineca_flags".

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release unless said otherwise" FORCE)
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")     # no -DNDEBUG: asserted invariants hold in every build

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

add_library(lineca_flags INTERFACE)
target_include_directories(lineca_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/server)
target_compile_definitions(lineca_flags INTERFACE _GNU_SOURCE LINECA_VERSION="${PROJECT_VERSION}")
target_compile_options(lineca_flags INTERFACE
    -Wall -Wextra                       # the usual
    -Wconversion -Wsign-compare         # a length that changes its width or sign is how parsers fail
    -Wshadow                            # one name, one thing
    -Wformat=2                          # formats are literals
    -Wcast-align -Wcast-qual            # arm64 is a target; const means const
    -Wpointer-arith -Wundef
    -Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations
    -Wvla                               # no stack of unknown size
    -Wswitch-enum                       # a new code must be thought of everywhere
    $<IF:$<C_COMPILER_ID:GNU>,-Wimplicit-fallthrough=5,-Wimplicit-fallthrough>
    $<$<C_COMPILER_ID:GNU>:-Wlogical-op>)
if(LINECA_WERROR)
  target_compile_options(lineca_flags INTERFACE -Werror)
endif()

# Hardening, as far as the processor has it
target_compile_options(lineca_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero -fno-common
    $<$<C_COMPILER_ID:Clang>:-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(lineca_flags INTERFACE -fcf-protection)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
  target_compile_options(lineca_flags INTERFACE -mbranch-protection=standard)
endif()
target_link_options(lineca_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)

if(LINECA_SANITIZE)
  target_compile_options(lineca_flags INTERFACE -fsanitize=${LINECA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(lineca_flags INTERFACE -fsanitize=${LINECA_SANITIZE})
else()
  target_compile_options(lineca_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(LINECA_FUZZ)
  target_compile_options(lineca_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(lineca_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
