"""French, the language of the screen.

What it is: the only French of this room. What it is not: layout. Rule: plain words for a nurse: what happened, then
what to do; no technical term that is not printed on her card or on the box.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from appliance.screen.words import Notice, Words

__all__ = ["WORDS"]

_RELAUNCH: Final = "Relancez la demande."
_NOT_SIGNED: Final = "Rien n'a été signé."
_TELL_VENDOR: Final = ("Prévenez l'éditeur", "du logiciel.")
_TELL_INSTALLER: Final = ("Prévenez", "l'installateur.")
_REFUSED: Final = "Demande refusée"
_BLOCKED: Final = Notice("Carte bloquée", ("Code de déblocage,", "8 chiffres, dans le", "courrier."))

_NOTICES: Final[Mapping[str, Notice]] = {
    # A request ended (contract, *Errors*).
    "refused": Notice("Refusé", (_NOT_SIGNED,)),
    "cancelled": Notice("Annulé", ("Le logiciel a annulé", "sa demande.")),
    "consent-timeout": Notice("Trop tard", ("Sans accord à temps,", "rien n'a été signé.", _RELAUNCH)),
    "pin-timeout": Notice("Trop tard", ("Code non validé.", _NOT_SIGNED, _RELAUNCH)),
    "expired": Notice("Trop tard", ("La demande a expiré.", "Relancez-la depuis", "le logiciel.")),
    "pin-wrong": Notice("Code faux", ("Demande arrêtée.", _NOT_SIGNED, _RELAUNCH)),
    "pin-blocked": _BLOCKED,
    "card-absent": Notice("Pas de carte", ("Aucune carte insérée.", _RELAUNCH)),
    "card-removed": Notice("Carte retirée", ("Demande arrêtée.", "Remettez la carte et", "relancez la demande.")),
    "wrong-holder": Notice("Autre carte", ("La demande vise une", "autre personne ou", "une autre carte.")),
    "outcome-unknown": Notice("À vérifier", ("Signature peut-être", "faite. Vérifiez dans", "le logiciel.")),
    "answer-lost": Notice("Réponse perdue", ("Le boîtier a", "redémarré. Vérifiez", "dans le logiciel.")),
    "challenge-stale": Notice("Demande périmée", ("Relancez-la depuis", "le logiciel.")),
    "busy": Notice("Occupé", ("Une autre demande est", "en cours. Réessayez", "ensuite.")),
    "rate-limited": Notice("Patientez", ("Trop de demandes.", "Réessayez dans une", "minute.")),
    # A request was not taken (contract, *Errors*).
    "malformed": Notice(_REFUSED, ("Demande illisible.", *_TELL_VENDOR)),
    "schema-invalid": Notice(_REFUSED, ("Demande mal formée.", *_TELL_VENDOR)),
    "unsupported-version": Notice(_REFUSED, ("Version inconnue.", *_TELL_VENDOR)),
    "id-reused": Notice(_REFUSED, ("Numéro déjà utilisé.", *_TELL_VENDOR)),
    "too-large": Notice(_REFUSED, ("Document trop grand.",)),
    "text-not-drawable": Notice(_REFUSED, ("Texte non affichable.", *_TELL_VENDOR)),
    "not-allowed": Notice(_REFUSED, ("Ce logiciel n'a pas", "ce droit. Voir", "l'installateur.")),
    "not-paired": Notice(_REFUSED, ("Logiciel non appairé.", "Appairez-le d'abord.")),
    "signer-unknown": Notice(_REFUSED, ("Signataire inconnu", "de ce boîtier.")),
    # The card.
    "card-mute": Notice("Carte muette", ("Retirez-la, puis", "remettez-la dans le", "bon sens.")),
    "card-unsupported": Notice("Carte refusée", ("Ce boîtier ne sait", "pas s'en servir.", "Retirez-la.")),
    "patient-card": Notice("Carte patient", ("Retirez-la, puis", "insérez votre carte", "CPS.")),
    "card-data-malformed": Notice("Carte illisible", ("Retirez la carte et", "remettez-la.")),
    "card-refused": Notice("Carte en erreur", ("Retirez la carte et", "remettez-la.")),
    "card-reset": Notice("Carte reprise", ("Un autre programme a", "repris la carte.", _RELAUNCH)),
    "card-expired": Notice("Carte expirée", ("Utilisez votre", "nouvelle carte.")),
    "card-revoked": Notice("Carte révoquée", ("Elle ne peut plus", "signer.")),
    "card-denied": Notice("Carte refusée", ("Cette carte n'est pas", "admise ici.", "Voir l'installateur.")),
    "certificate-invalid": Notice("Carte invalide", ("Son certificat n'est", "pas reconnu.", _NOT_SIGNED)),
    "signature-invalid": Notice("Signature nulle", ("La carte a mal signé.", "Retirez-la, puis", "remettez-la.")),
    # The reader and the box.
    "reader-absent": Notice("Lecteur absent", ("Vérifiez le câble", "USB du lecteur.")),
    "reader-busy": Notice("Lecteur occupé", ("Un autre programme", "utilise la carte.", "Patientez.")),
    "keypad-fault": Notice("Clavier bloqué", ("Relâchez les touches.", "Sinon, prévenez", "l'installateur.")),
    "display-absent": Notice("Écran en panne", (_NOT_SIGNED, *_TELL_INSTALLER)),
    "clock-unset": Notice("Heure inconnue", ("Boîtier pas à", "l'heure. Patientez ou", "voir l'installateur.")),
    "tamper-lockout": Notice("Boîtier ouvert", ("Il est verrouillé.", *_TELL_INSTALLER)),
    "secret-unavailable": Notice("Saisie fermée", ("Code non protégé.", *_TELL_INSTALLER)),
    "link-broken": Notice("Liaison coupée", ("Patientez. Si elle ne", "revient pas, voir", "l'installateur.")),
    "journal-fault": Notice("Journal fermé", (_NOT_SIGNED, *_TELL_INSTALLER)),
    "config-invalid": Notice("Mal configuré", _TELL_INSTALLER),
    "internal": Notice("Erreur interne", ("Réessayez. Si elle", "revient, prévenez", "l'installateur.")),
}

WORDS: Final = Words(
    start="Démarrage",
    version="version {version}",
    no_clock="--:--",
    insert=("Insérez", "votre carte"),
    reading=("Lecture", "de la carte…"),
    leave_card=("Ne retirez pas", "la carte."),
    test="TEST",
    unpaired="(non appairé)",
    unshown="CONTENU NON AFFICHÉ",
    fingerprint="Empreinte :",
    signer="par {signer}",
    asked_by="pour {requester}",
    agree="accepter",
    more="suite",
    refuse="refuser",
    go_on="continuer",
    cancel="annuler",
    pin="Code porteur",
    tries=("{n} essai restant", "{n} essais restants"),
    reminder="valider avec #",
    last_try=Notice("Dernier essai !", ("Un code faux bloquera", "la carte.")),
    pin_wrong=Notice("Code faux", ("Vérifiez votre code.",)),
    pin_blocked=_BLOCKED,
    signing="Signature…",
    progress="{done} sur {of}",
    signed="Signé",
    documents=("{n} document", "{n} documents"),
    content_seen="Contenu affiché",
    title_seen="Titre seul affiché",
    removed=Notice("Carte retirée", ("La demande en cours", "est arrêtée.")),
    taken=Notice("Carte retirée", ("À bientôt.",)),
    partly=("{n} signé sur {of}.", "{n} signés sur {of}."),
    others="Les autres : non.",
    notices=MappingProxyType(_NOTICES),
    unknown=Notice("Erreur", ("Prévenez", "l'installateur :")),
)
"""French for ``screens.render``."""
