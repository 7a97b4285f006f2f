terraform {
  # 1.11 is the first with write-only arguments, which keep the keys out of the state.
  required_version = ">= 1.11"

  required_providers {
    # Only the GA provider. Tested with 7.46.1 and 8.7.0.
    google = {
      source  = "hashicorp/google"
      version = ">= 7.40, < 9"
    }
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.7, < 3"
    }
    time = {
      source  = "hashicorp/time"
      version = ">= 0.13, < 1"
    }
  }
}

provider "google" {
  project = var.project_id
  region  = var.region

  # The budget API counts calls against a quota project; a person's credentials name none.
  billing_project       = var.project_id
  user_project_override = true

  default_labels = {
    app        = var.name
    managed_by = "terraform"
  }
}

# The project's number is a part of the name of Google's bucket for function sources.
data "google_project" "this" {
  project_id = var.project_id
}
