"""Primes for the RSA keys that no library would make."""
import random
import secrets

SMALL = [2]
for _n in range(3, 2000, 2):
    if all(_n % _p for _p in SMALL):
        SMALL.append(_n)


def is_prime(n, rounds=12):
    if n < 2:
        return False
    for p in SMALL:
        if n % p == 0:
            return n == p
    d, r = n - 1, 0
    while d % 2 == 0:
        d, r = d // 2, r + 1
    for _ in range(rounds):
        x = pow(random.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(r - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def following(n):
    """The next prime after n."""
    n += 1 + n % 2
    while not is_prime(n):
        n += 2
    return n


def fresh(bits):
    """A random prime with its two upper bits set, so that products have full length."""
    while True:
        p = following(secrets.randbits(bits) | 3 << bits - 2)
        if p.bit_length() == bits and (p - 1) % 65537:
            return p


def roca(bits):
    """
    A prime of the shape k * M + (65537^a mod M), M a primorial: what the smart cards of CVE-2017-15361 made.
    M is the product of the first 126 primes for a prime of 1024 bits (Nemec et al., "The Return of Coppersmith's Attack").
    """
    m = 1
    for p in SMALL[:126]:
        m *= p
    spare = bits - m.bit_length()
    while True:
        k = secrets.randbits(spare) | 3 << spare - 2
        p = k * m + pow(65537, secrets.randbits(256), m)
        if p.bit_length() == bits and p >> bits - 2 == 3 and (p - 1) % 65537 and is_prime(p):
            return p
