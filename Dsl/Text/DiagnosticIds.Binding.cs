namespace Mdl.Dsl;

public static partial class DiagnosticIds
{
    public const string UnknownName = "MDL0100";
    public const string DuplicateName = "MDL0101";
    public const string ImportNotFound = "MDL0102";
    public const string ImportCycle = "MDL0103";
    public const string WrongArguments = "MDL0104";
    public const string UnknownArgument = "MDL0105";
    public const string MissingArgument = "MDL0106";
    public const string NotKnownAtBuildTime = "MDL0107";
    public const string WrongKind = "MDL0108";
    public const string ShapeMismatch = "MDL0109";
    public const string ElementType = "MDL0110";
    public const string SizeOutOfRange = "MDL0111";
    public const string Recursion = "MDL0112";
    public const string StorageNotSupported = "MDL0113";
    public const string NoResult = "MDL0114";
    public const string RouterResult = "MDL0115";
    public const string MoeItem = "MDL0116";
    public const string Repetition = "MDL0117";
    public const string RowsMixed = "MDL0118";
    public const string ModelInput = "MDL0119";
    public const string TrainSetting = "MDL0120";
    public const string CheckpointPath = "MDL0121";
    public const string StateUpdate = "MDL0122";
    public const string TooLarge = "MDL0123";
    public const string LossNotScalar = "MDL0124";
    public const string MtpBlock = "MDL0125";
    public const string HostOnly = "MDL0126";
    public const string CheckpointUnmapped = "MDL0127";
    public const string CheckpointTwice = "MDL0128";
    public const string CheckpointName = "MDL0129";
    public const string CheckpointConfig = "MDL0130";
    public const string DiffusionSetting = "MDL0140";
    public const string InternalError = "MDL0999";

    private static EquatableArray<DiagnosticKind> Binding =>
    [
        new(UnknownName, "Unknown name", "Mdl.Binding"),
        new(DuplicateName, "The name is taken", "Mdl.Binding"),
        new(ImportNotFound, "The imported file is not there", "Mdl.Binding"),
        new(ImportCycle, "Files import each other", "Mdl.Binding"),
        new(WrongArguments, "Too many or too few values in a call", "Mdl.Binding"),
        new(UnknownArgument, "No such argument", "Mdl.Binding"),
        new(MissingArgument, "An argument is missing", "Mdl.Binding"),
        new(NotKnownAtBuildTime, "A number known at build time is wanted", "Mdl.Binding"),
        new(WrongKind, "Something else is wanted here", "Mdl.Binding"),
        new(ShapeMismatch, "Shapes do not fit", "Mdl.Binding"),
        new(ElementType, "Elements are of the wrong type", "Mdl.Binding"),
        new(SizeOutOfRange, "A size or count is out of range", "Mdl.Binding"),
        new(Recursion, "A block contains itself", "Mdl.Binding"),
        new(StorageNotSupported, "The storage type is not supported yet", "Mdl.Binding"),
        new(NoResult, "Nothing is returned", "Mdl.Binding"),
        new(RouterResult, "A router defines `choose` and `gate`", "Mdl.Binding"),
        new(MoeItem, "A moe needs one router and its experts", "Mdl.Binding"),
        new(Repetition, "The block cannot be repeated", "Mdl.Binding"),
        new(RowsMixed, "An expert mixes rows of different tokens", "Mdl.Binding"),
        new(ModelInput, "A model takes tokens and returns logits", "Mdl.Binding"),
        new(TrainSetting, "Unknown training setting", "Mdl.Binding"),
        new(CheckpointPath, "No such parameter", "Mdl.Binding"),
        new(StateUpdate, "Only a state of the block itself is updated, once a step", "Mdl.Binding"),
        new(TooLarge, "The model is too large to elaborate", "Mdl.Binding"),
        new(LossNotScalar, "A loss is one number", "Mdl.Binding"),
        new(MtpBlock, "A model has at most one mtp block, after its return", "Mdl.Binding"),
        new(HostOnly, "A preset has programs for the host only", "Mdl.Binding"),
        new(CheckpointUnmapped, "A parameter has no place in the checkpoint", "Mdl.Binding"),
        new(CheckpointTwice, "Mapped twice", "Mdl.Binding"),
        new(CheckpointName, "The name of a tensor does not fit its path", "Mdl.Binding"),
        new(CheckpointConfig, "The value of a configuration key is not known", "Mdl.Binding"),
        new(DiffusionSetting, "A setting of a diffusion that makes no sense", "Mdl.Binding"),
        new(InternalError, "Internal error of the compiler", "Mdl.Binding"),
    ];
}
