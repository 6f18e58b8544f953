"""French, the language of the screen.

What it is: the only French of this room. What it is not: layout. Rule: plain words for a nurse: what happened, then
what to do; no technical term that is not printed on her card or on the box.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from appliance.screen import fr_menu
from appliance.screen.words import Notice, Words

__all__ = ["WORDS"]

_RELAUNCH: Final = "Relancez la demande."
_NOT_SIGNED: Final = "Rien n'a été signé."
_TELL_VENDOR: Final = ("Prévenez l'éditeur", "du logiciel.")
_TELL_INSTALLER: Final = ("Prévenez", "l'installateur.")
_REFUSED: Final = "Demande refusée"
_LOST: Final = "Perdu ? Voir l'ANS."
_BLOCKED: Final = Notice("Carte bloquée", ("Code de déblocage : 8", "chiffres du courrier.", _LOST))
_SPENT: Final = Notice("Carte à changer", ("Déblocage impossible.", "Demandez une nouvelle", "carte à l'ANS."))

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
    "too-large": Notice(_REFUSED, ("Document trop grand.", "Réduisez-le, puis", "relancez la demande.")),
    "text-not-drawable": Notice(_REFUSED, ("Texte non affichable.", *_TELL_VENDOR)),
    "not-allowed": Notice(_REFUSED, ("Ce logiciel n'a pas", "ce droit. Voir", "l'installateur.")),
    "not-paired": Notice(_REFUSED, ("Logiciel non appairé.", "Appairez-le d'abord.")),
    "signer-unknown": Notice(_REFUSED, ("Signataire inconnu", "de ce boîtier.", "Voir l'installateur.")),
    # The card.
    "card-mute": Notice("Carte muette", ("Retirez-la, puis", "remettez-la dans le", "bon sens.")),
    "card-unsupported": Notice("Carte refusée", ("Ce boîtier ne sait", "pas s'en servir.", "Retirez-la.")),
    "patient-card": Notice("Carte patient", ("Retirez-la, puis", "insérez votre carte", "CPS.")),
    "card-data-malformed": Notice("Carte illisible", ("Retirez la carte et", "remettez-la.")),
    "card-refused": Notice("Carte en erreur", ("Retirez la carte et", "remettez-la.")),
    "card-reset": Notice("Carte reprise", ("Un autre programme a", "repris la carte.", _RELAUNCH)),
    "card-update-interrupted": Notice("Carte à revoir", ("Sa mise à jour n'est", "pas finie. Voir", "l'installateur.")),
    "puk-wrong": Notice("Code faux", ("Code de déblocage", "refusé. Relisez le", "courrier.")),
    "puk-blocked": _SPENT,
    "card-expired": Notice("Carte expirée", ("Utilisez votre", "nouvelle carte.")),
    "card-revoked": Notice("Carte révoquée", ("Elle ne peut plus", "signer. Voir l'ANS.")),
    "card-denied": Notice("Carte refusée", ("Cette carte n'est pas", "admise ici.", "Voir l'installateur.")),
    "certificate-invalid": Notice("Carte invalide", ("Son certificat n'est", "pas reconnu.", _NOT_SIGNED)),
    "signature-invalid": Notice("Non signé", ("La carte a mal signé.", "Retirez-la, puis", "remettez-la.")),
    # The reader and the box.
    "reader-absent": Notice("Lecteur absent", ("Vérifiez le câble", "USB du lecteur.")),
    "reader-busy": Notice("Lecteur occupé", ("Un autre programme", "utilise la carte.", "Patientez.")),
    "keypad-fault": Notice("Clavier bloqué", ("Relâchez les touches.", "Sinon, prévenez", "l'installateur.")),
    "display-absent": Notice("Écran en panne", (_NOT_SIGNED, *_TELL_INSTALLER)),
    "clock-unset": Notice("Heure inconnue", ("L'heure n'est pas", "réglée. Patientez, ou", "voir l'installateur.")),
    "tamper-lockout": Notice("Verrouillé", ("Le boîtier a été", "ouvert. Prévenez", "l'installateur.")),
    "secret-unavailable": Notice("Saisie bloquée", ("Code non protégé.", *_TELL_INSTALLER)),
    "link-broken": Notice("Liaison coupée", ("Patientez. Si elle ne", "revient pas, voir", "l'installateur.")),
    "journal-fault": Notice("Journal bloqué", (_NOT_SIGNED, *_TELL_INSTALLER)),
    "config-invalid": Notice("Mal configuré", _TELL_INSTALLER),
    "internal": Notice("Erreur interne", ("Réessayez. Si elle", "revient, prévenez", "l'installateur.")),
}

_CODE_NOTICES: Final[Mapping[str, Notice]] = {
    # What became of a change or an unblocking; every other code: its headline, and that the code stays.
    "changed": Notice("Code changé", ("Votre nouveau code", "sert dès maintenant.")),
    "unblocked": Notice("Code débloqué", ("Votre nouveau code", "sert dès maintenant.")),
    "refused": Notice("Annulé", ("Votre code n'a pas", "changé.")),
    "pin-timeout": Notice("Trop tard", ("Code non validé.", "Votre code n'a pas", "changé.")),
    "pin-wrong": Notice("Code faux", ("Votre code n'a pas", "changé.")),
    "puk-wrong": Notice("Code faux", ("Code de déblocage", "refusé. Votre code", "n'a pas changé.")),
    "puk-blocked": _SPENT,
    "removed-unsure": Notice(
        "Carte retirée", ("Code changé ou non :", "remettez la carte et", "essayez une signature")
    ),
    "outcome-unknown": Notice("À vérifier", ("La carte s'est tue.", "Code changé ou non :", "essayez une signature")),
}

_TROUBLES: Final[Mapping[str, tuple[str, str]]] = {
    # Home with a card that does not sign: what is wrong, what to do.
    "pin-blocked": ("Code bloqué", "Voir l'ANS."),
    "card-expired": ("Carte expirée", "Prenez la nouvelle."),
    "card-revoked": ("Carte révoquée", "Voir l'ANS."),
    "card-denied": ("Carte non admise", "Voir l'installateur."),
    "certificate-invalid": ("Certificat refusé", "Voir l'installateur."),
}

_DOOR: Final[Mapping[str, tuple[str, ...]]] = {
    # Why the door stayed shut; every other code: the headline of its notice.
    "card-denied": ("Cette carte n'est pas", "admise ici.", "Voir l'installateur."),
    "door-hours": ("Vos horaires d'accès", "ne le permettent pas", "maintenant."),
    "door-absent": ("Ce boîtier n'ouvre", "aucune porte."),
    "door-used": ("Déjà ouverte. Retirez", "la carte, puis", "remettez-la."),
    "clock-unset": ("Boîtier pas à", "l'heure. Patientez ou", "voir l'installateur."),
    "certificate-invalid": ("Le certificat de la", "carte n'est pas", "reconnu."),
    "card-expired": ("Votre carte est", "expirée. Utilisez la", "nouvelle."),
    "signature-invalid": ("La carte n'a pas", "prouvé son identité.", "Voir l'installateur."),
    "card-removed": ("Carte retirée trop", "tôt. Remettez-la."),
    "pin-wrong": ("Code faux.",),
    "pin-timeout": ("Code non validé", "à temps."),
    "refused": ("Vous avez annulé.",),
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
    confirm="valider",
    menu_hint="tenu 1 s : menu",
    menu_title="Menu",
    menu=MappingProxyType(
        {"change": "Changer le code", "unblock": "Débloquer le code", "door": "Ouvrir la porte", **fr_menu.MENU}
    ),
    pages=fr_menu.PAGES,
    choose="choisir",
    back="retour",
    asks_practice=("veut lire vos lieux", "d'exercice."),
    asks_practice_briefly="lieux d'exercice ?",
    session="Session ?",
    session_offer=("Signer et ouvrir :", "{signatures} signatures, {minutes} min", "sans code, avec A."),
    sign="signer",
    session_left="SESSION {signatures} sign. {minutes}:{seconds:02}",
    pin="Code porteur",
    codes=MappingProxyType({"old": "Code actuel", "puk": "Déblocage", "new": "Nouveau code", "again": "Confirmation"}),
    hints=MappingProxyType({"same": "Prenez un autre code.", "differ": "Pas identiques."}),
    digits=("{least} chiffres", "{least} à {most} chiffres"),
    letter="8 chiffres, courrier",
    repeat="Retapez ce code.",
    tries=("{n} essai restant", "{n} essais restants"),
    reminder="valider avec #",
    last_try=Notice("Dernier essai !", ("Un code faux bloquera", "la carte.")),
    pin_wrong=Notice("Code faux", ("Vérifiez votre code.",)),
    last_puk=Notice("Dernier essai !", ("Un code faux rendra", "la carte inutilisable")),
    puk_wrong=Notice("Code faux", ("Relisez le courrier.",)),
    pin_blocked=_BLOCKED,
    pin_blocked_here=("Déblocage : courrier.", _LOST),
    unblock="débloquer",
    close="fermer",
    changing="Enregistrement",
    code_notices=MappingProxyType(_CODE_NOTICES),
    code_stays="Code inchangé.",
    door_pin="pour ouvrir la porte",
    door_open=Notice("Porte ouverte", ("Poussez la porte.", "Reprenez votre carte.")),
    door_weak="FAIBLE : SANS CODE",
    door_shut="Porte fermée",
    door_notices=MappingProxyType(_DOOR),
    card_troubles=MappingProxyType(_TROUBLES),
    ask_installer="Voir l'installateur.",
    forgotten=Notice("Carte oubliée ?", ("Reprenez-la avant", "de partir.")),
    read="Transmis",
    situations=("Aucun lieu d'exercice", "{n} lieu d'exercice", "{n} lieux d'exercice"),
    not_read="Rien n'est transmis.",
    signing="Signature…",
    progress="{done} sur {of}",
    signed="Signé",
    documents=("{n} document", "{n} documents"),
    content_seen="Contenu affiché",
    title_seen="Titre seul affiché",
    removed=Notice("Carte retirée", ("La demande en cours", "est arrêtée.")),
    taken=Notice("Carte retirée", ("À bientôt.",)),
    partly=("{n} signé sur {of}.", "{n} signés sur {of}."),
    others="Le reste : non signé.",
    notices=MappingProxyType(_NOTICES),
    unknown=Notice("Erreur", ("Prévenez", "l'installateur :")),
)
"""French for ``screens.render``."""
