"""Training a study: launch, packs, scheduler, Ray."""
