"""行刑衔接 Referral: a case that meets a criminal threshold goes to police and procuratorate."""
