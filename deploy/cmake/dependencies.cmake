# The libraries, each with the Debian package that brings it.  A missing one ends the configuration in words.

find_package(PkgConfig QUIET)
if(NOT PKG_CONFIG_FOUND)
  message(FATAL_ERROR "pkg-config is missing: apt-get install pkg-config")
endif()

function(lineca_require name module package)
  pkg_check_modules(${name} QUIET IMPORTED_TARGET GLOBAL ${module})
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "${module} is missing: apt-get install ${package}  (deploy/run installs all that is needed)")
  endif()
endfunction()

lineca_require(OPENSSL      "libcrypto>=3.0"          libssl-dev)
lineca_require(SQLITE       "sqlite3>=3.37"           libsqlite3-dev)       # STRICT tables
lineca_require(MICROHTTPD   "libmicrohttpd>=0.9.75"   libmicrohttpd-dev)
lineca_require(GNUTLS       "gnutls>=3.7"             libgnutls28-dev)     # libmicrohttpd's TLS
lineca_require(CURL         libcurl                   libcurl4-openssl-dev)
lineca_require(CJSON        libcjson                  libcjson-dev)
lineca_require(INIH         inih                      libinih-dev)
lineca_require(SYSTEMD      "libsystemd>=240"         libsystemd-dev)      # when the upload runs next
if(LINECA_TESTS)
  lineca_require(CMOCKA     cmocka                    libcmocka-dev)
endif()

find_package(Threads REQUIRED)
