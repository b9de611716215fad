//! Both protocols against a vendor on this machine, well behaved and not.
